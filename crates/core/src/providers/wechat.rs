//! WeChat: 公众号 and 小程序.
//!
//! In scope: requests as data, replies from bytes, what each errcode asks of us, rotation policies, advice.

mod advice;
pub mod errcode;
pub mod policy;
pub mod reply;
pub mod request;

use super::{ApiRequest, Inputs, Provider, Reading};
use crate::app::App;
use crate::credential::Credential;
use crate::engine::{Call, Failure, RotationPolicy};
use crate::language::Language;

impl Provider for App {
    fn policy(&self, credential: Credential) -> RotationPolicy {
        policy::of(self, credential)
    }

    fn parent(&self, credential: Credential) -> Option<Credential> {
        matches!(credential, Credential::Ticket(_)).then_some(Credential::AccessToken)
    }

    fn request(&self, credential: Credential, call: Call, inputs: Inputs<'_>) -> Option<ApiRequest> {
        Some(match (call, credential) {
            (Call::Probe | Call::Knock, _) => request::probe(inputs.held?),
            (Call::Refresh | Call::ForcedRefresh, Credential::AccessToken) => {
                request::token(self, call == Call::ForcedRefresh)
            }
            (Call::Refresh | Call::ForcedRefresh, Credential::Ticket(ticket)) => {
                request::ticket(ticket, inputs.parent?)
            }
        })
    }

    fn read(&self, credential: Credential, call: Call, body: &[u8]) -> Option<Reading> {
        reply::read(credential, call, body)
    }

    fn advice(&self, credential: Credential, failure: &Failure, language: Language) -> String {
        advice::of(errcode::Endpoint::of(credential), failure, language)
    }

    fn killed_outside(&self, credential: Credential, language: Language) -> &'static str {
        advice::killed_outside(self, credential, language)
    }

    fn revoking(&self, language: Language) -> &'static str {
        advice::revoking(language)
    }
}
