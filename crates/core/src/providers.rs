//! Providers: one module for each, with what is particular to it; and what all of them have in common.
//!
//! In scope: the requests that a provider takes, what its replies mean, what its codes ask of us, how its credentials
//! rotate ([`RotationPolicy`]), and its advice for people.
//! Out of scope: when to ask ([`crate::engine`]), and carrying calls ([`crate::keeper`]).

pub mod wechat;

use crate::credential::{Credential, Value};
use crate::engine::{Call, Failure, Issued, RotationPolicy, Verdict};
use crate::language::Language;

/// One request to a provider, without the host. It holds secrets: no `Debug`.
pub struct ApiRequest {
    /// Path and query, beginning with `/`.
    pub path_and_query: String,
    /// The JSON body; with one the method is POST, without it is GET.
    pub body: Option<String>,
}

/// What a request is made of, apart from the app's own settings.
#[derive(Clone, Copy, Default)]
pub struct Inputs<'a> {
    /// The value that is held, dead or alive: what a probe asks about.
    pub held: Option<&'a Value>,
    /// The parent's value, which lives.
    pub parent: Option<&'a Value>,
    /// What the provider returned with the value before, to be sent for the next one.
    pub refresh_token: Option<&'a Value>,
}

/// What the answer to a call means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// It brings a value.
    Issued(Issued),
    /// It brings none.
    Failed(Failure),
    /// It is the answer to a probe.
    Probed(Verdict),
}

impl Reading {
    /// What it means when no host has given a reply of the provider; the last one that said something did so with this
    /// status.
    pub const fn of_no_reply(call: Call, status: Option<u16>) -> Self {
        match (call.fetches(), status) {
            (true, Some(500..600)) => Self::Failed(Failure::Unwell),
            (true, Some(_)) => Self::Failed(Failure::Garbled),
            (true, None) => Self::Failed(Failure::Unreachable),
            // A relay that lets only tokens and tickets through is there all the same.
            (false, Some(400..500)) => Self::Probed(Verdict::Unclear),
            (false, _) => Self::Probed(Verdict::Unanswered),
        }
    }
}

/// An app's account at its provider.
pub trait Provider {
    /// How a credential rotates.
    fn policy(&self, credential: Credential) -> RotationPolicy;

    /// The credential that another one is fetched with.
    fn parent(&self, credential: Credential) -> Option<Credential>;

    /// What is sent; `None` where an input is missing that it needs.
    fn request(&self, credential: Credential, call: Call, inputs: Inputs<'_>) -> Option<ApiRequest>;

    /// Reads a body that answers a call. `None` when it is no reply of the provider, whatever it says: another host may
    /// do better.
    fn read(&self, credential: Credential, call: Call, body: &[u8]) -> Option<Reading>;

    /// What a failure means and what to do, for people.
    fn advice(&self, credential: Credential, failure: &Failure, language: Language) -> String;

    /// What it means that values die before their time, and what to do.
    fn killed_outside(&self, credential: Credential, language: Language) -> &'static str;

    /// What it means that a caller has asked for a token to be killed.
    fn revoking(&self, language: Language) -> &'static str;
}
