//! Requests without a valid key: counted, and refused for a while after too many.

use crate::context::RequestContext;
use crate::{log, platform};
use serde_json::json;
use worker::RateLimiter;
use zhongkong_core::access::{Caller, neighbourhood};
use zhongkong_core::app::AppName;
use zhongkong_core::config::ReadyApp;
use zhongkong_core::credential::Credential;
use zhongkong_core::problem::{Code, Problem};

/// What a client over the limit is told to wait; the binding counts within 10 or 60 s.
const LIMITED_FOR_S: u64 = 60;

/// Answers a request without a valid key: as admission has said, or with 429 after too many attempts from one address, where the
/// binding `KEY_LIMIT` is there. Callers with a valid key are never counted: those who share an address with a guesser, or with a
/// job that has an old key, are not locked out.
pub(crate) async fn turn_away(request: &RequestContext, problem: Problem) -> Problem {
    if problem.code == Code::Unauthorized { count(request, problem).await } else { problem }
}

/// The same for a key that stands in a page, and comes from elsewhere: everybody can read it.
pub(crate) async fn turn_page_away(request: &RequestContext, problem: Problem) -> Problem {
    if problem.code == Code::NotAllowed { count(request, problem).await } else { problem }
}

async fn count(request: &RequestContext, problem: Problem) -> Problem {
    let Some(limit) = &request.centre.key_limit else { return problem };
    let detail = "Too many requests without a valid key came from this address.";
    let failed = |why| log::warn("key_limit_failed", json!({"detail": why}));
    let within = within(limit, neighbourhood(request.ip()), detail, failed).await;
    within.err().unwrap_or(problem)
}

/// Bounds what a caller may ask for (429), where the binding `CALLER_LIMIT` is there. What is `answered_by` a copy in memory costs
/// nothing, and is not counted: the fast path does not come here either.
pub(crate) async fn bound(
    request: &RequestContext,
    caller: &Caller,
    answered_by: Option<(&ReadyApp, Credential)>,
) -> Result<(), Problem> {
    let memory = || request.centre.memory.borrow();
    let is_here = |(ready, credential): (&ReadyApp, Credential)| {
        memory().peek(ready, credential, 0, platform::now_millis()).is_some()
    };
    if answered_by.is_some_and(is_here) {
        return Ok(());
    }
    let Some(limit) = &request.centre.caller_limit else { return Ok(()) };
    let failed = |why| log::warn("caller_limit_failed", json!({"detail": why}));
    within(limit, caller.name.clone(), "This caller has asked too much.", failed).await
}

/// The same for one who shows an app's real token and so has no name: all of an address block are counted together.
pub(crate) async fn bound_by_token(request: &RequestContext, app: &AppName) -> Result<(), Problem> {
    let Some(limit) = &request.centre.caller_limit else { return Ok(()) };
    let failed = |why| log::warn("caller_limit_failed", json!({"detail": why}));
    let key = format!("token of {app} {}", neighbourhood(request.ip()));
    within(limit, key, "Too much was asked with this app's token from this address.", failed).await
}

/// Counts a request under a key: 429 with this detail beyond the limit. A binding that fails refuses no request; `failed` is
/// told why.
pub(crate) async fn within(
    limit: &RateLimiter,
    key: String,
    detail: &'static str,
    failed: impl FnOnce(String),
) -> Result<(), Problem> {
    match limit.limit(key).await {
        Ok(outcome) if !outcome.success => {
            Err(Problem::new(Code::RateLimited, detail).retry_after(LIMITED_FOR_S))
        }
        Ok(_) => Ok(()),
        Err(error) => {
            failed(error.to_string());
            Ok(())
        }
    }
}
