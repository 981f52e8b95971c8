//! The façade: what an SDK pointed at this host sees. WeChat's own paths and words; a caller's key stands
//! where the AppSecret would.
//!
//! Everything is answered with HTTP 200 and, where it is a refusal, WeChat's errcode: SDKs look at nothing
//! else. `POST` and `GET` are taken for each other where WeChat or an SDK does.

mod bearer;
mod business;
mod credential;
mod upstream;

use crate::answer::{self, Answer, Outcome};
use crate::call::Call;
use crate::history::{self, Asked};
use crate::incoming::Incoming;
use zhongkong_core::app::AppName;
use zhongkong_core::credential::Credential;
use zhongkong_core::facade::{Refusal, Target};
use zhongkong_core::history::Action;
use zhongkong_core::problem::{Code, Problem};
use zhongkong_core::request::MAX_URL_BYTES;

pub(crate) use business::pass_native;
pub(crate) use upstream::Answered;

/// What a request to the façade comes to.
type Reply = Result<Answer, Refused>;

/// A refusal in WeChat's words, and its code in ours, for the history.
struct Refused(Refusal, Code);

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self(Refusal::of(&problem), problem.code)
    }
}

/// What is known of a request while it is answered; the history is told of it.
#[derive(Default)]
struct Known {
    caller: Option<String>,
    app: Option<AppName>,
    credential: Option<Credential>,
}

/// Answers a request for one of WeChat's paths. A path that is none is left to the router.
pub(crate) async fn answer(request: &Incoming, call: &Call, target: Target) -> Outcome {
    let mut known = Known::default();
    let query = request.query().unwrap_or_default();
    let action = if matches!(target, Target::Business(_)) { Action::Pass } else { Action::Read };
    let reply = match &target {
        _ if request.url.len() > MAX_URL_BYTES => {
            let text = format!("data format error: a URL may have {MAX_URL_BYTES} bytes here");
            Err(Refused(Refusal::new(47001, text), Code::TooLarge))
        }
        Target::Token => credential::token(request, query, call, &mut known).await,
        Target::StableToken => credential::stable_token(request, query, call, &mut known).await,
        Target::Ticket => credential::ticket(request, query, call, &mut known).await,
        Target::Business(path) => Box::pin(business::pass(request, path, query, call, &mut known)).await,
    };
    let outcome = match reply {
        Ok(answer) => Ok(answer),
        Err(Refused(refusal, code)) => Ok(answer::refusal(&refusal).refused(code)),
    };
    let asked = Asked { action, credential: known.credential, app: known.app.as_ref().map(AppName::as_str) };
    history::note(call, &asked, known.caller.as_deref(), request.ip, &outcome);
    outcome
}
