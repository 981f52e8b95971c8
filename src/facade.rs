//! The façade: what an SDK pointed at this host sees. WeChat's own paths and words; a caller's key stands
//! where the AppSecret would.
//!
//! Everything is answered with HTTP 200 and, where it is a refusal, WeChat's errcode: SDKs look at nothing
//! else. `POST` and `GET` are taken for each other where WeChat or an SDK does.

mod bearer;
mod business;
mod credential;
mod passed;
mod sending;
mod upstream;

use crate::answer::{self, Answer, Outcome};
use crate::context::RequestContext;
use crate::history;
use zhongkong_core::app::AppName;
use zhongkong_core::audit::Asked;
use zhongkong_core::credential::Credential;
use zhongkong_core::facade::admit::Refused;
use zhongkong_core::facade::{Refusal, Target};
use zhongkong_core::history::Action;
use zhongkong_core::http::MAX_URL_BYTES;
use zhongkong_core::problem::Code;

pub(crate) use business::pass_native;

/// What a request to the façade comes to.
type Reply = Result<Answer, Refused>;

/// What is known of a request while it is answered; the history is told of it.
#[derive(Default)]
struct Known {
    caller: Option<String>,
    app: Option<AppName>,
    credential: Option<Credential>,
}

/// Answers a request for one of WeChat's paths. A path that is none is left to the router.
pub(crate) async fn answer(request: &RequestContext, target: Target) -> Outcome {
    let mut known = Known::default();
    let head = request.head();
    let query = head.query().unwrap_or_default();
    let action = match target {
        Target::Business(_) => Action::Pass,
        Target::Unknown => Action::Unknown,
        Target::Token | Target::StableToken | Target::Ticket => Action::Read,
    };
    let reply = match &target {
        _ if head.url.len() > MAX_URL_BYTES => {
            let text = format!("data format error: a URL may have {MAX_URL_BYTES} bytes here");
            Err(Refused(Refusal::new(47001, text), Code::TooLarge))
        }
        Target::Token => credential::token(request, query, &mut known).await,
        Target::StableToken => credential::stable_token(request, query, &mut known).await,
        Target::Ticket => credential::ticket(request, query, &mut known).await,
        Target::Business(path) => business::pass(request, path, query, &mut known).await,
        Target::Unknown => {
            let text = "invalid url: WeChat has no such path. Its paths are segments of letters, digits, - and _, \
                        without a slash at the end";
            Err(Refused(Refusal::new(40066, text), Code::NotFound))
        }
    };
    let outcome = match reply {
        Ok(answer) => Ok(answer),
        Err(Refused(refusal, code)) => answer::refusal(&refusal).map(|answer| answer.refused(code)),
    };
    let asked = Asked { action, credential: known.credential, app: known.app.as_ref().map(AppName::as_str) };
    history::note(request, &asked, known.caller.as_deref(), &outcome);
    outcome
}
