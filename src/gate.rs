//! Requests without a valid key: counted, and refused for a while after too many.

use crate::context::RequestContext;
use crate::log;
use serde_json::json;
use worker::RateLimiter;
use zhongkong_core::access::neighbourhood;
use zhongkong_core::problem::{Code, Problem};

/// What a client over the limit is told to wait; the binding counts within 10 or 60 s.
const LIMITED_FOR_S: u64 = 60;

/// Answers a request without a valid key: as admission has said, or with 429 after too many attempts from one address, where the
/// binding `KEY_LIMIT` is there. Callers with a valid key are never counted: those who share an address with a guesser, or with a
/// job that has an old key, are not locked out.
pub(crate) async fn turn_away(request: &RequestContext, problem: Problem) -> Problem {
    if problem.code != Code::Unauthorized {
        return problem;
    }
    let Some(limit) = &request.centre.key_limit else { return problem };
    let detail = "Too many requests without a valid key came from this address.";
    let failed = |why| log::warn("key_limit_failed", json!({"detail": why}));
    let within = within(limit, neighbourhood(request.ip()), detail, failed).await;
    within.err().unwrap_or(problem)
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
