//! One short call over HTTP, bounded in time and size. Redirects are not followed, and nothing on the way keeps it.

use crate::{body, platform};
use std::time::Duration;
use worker::{
    AbortController, CacheMode, Fetch, Headers, Method, Request, RequestInit, RequestRedirect, Response,
    ResponseBody,
};

/// Why there is no answer. No word of the platform's: it may hold the URL.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    Unreachable,
    Late,
}

/// Sends a request, by POST where it has a body, and reads status and body of the answer, all of it within this time.
/// A body that is longer is cut off; with 0 none is waited for.
pub(crate) async fn exchange(
    url: &str,
    headers: Headers,
    body: Option<&str>,
    patience: Duration,
    most_bytes: usize,
) -> Result<(u16, Vec<u8>), NoAnswer> {
    let mut init = RequestInit::new();
    // A redirect would carry a secret to wherever it points.
    init.with_redirect(RequestRedirect::Manual).with_cache(CacheMode::NoStore).with_headers(headers);
    if let Some(body) = body {
        init.with_method(Method::Post).with_body(Some(body.into()));
    }
    let request = Request::new_with_init(url, &init).map_err(|_| NoAnswer::Unreachable)?;
    let abort = AbortController::default();
    let signal = abort.signal();
    let answer = async {
        let response = Fetch::Request(request).send_with_signal(&signal).await.ok()?;
        let status = response.status_code();
        Some((status, read(response, most_bytes).await?))
    };
    let outcome = platform::timeout(answer, patience).await;
    // Closes what is still open, read or not.
    abort.abort();
    outcome.ok_or(NoAnswer::Late)?.ok_or(NoAnswer::Unreachable)
}

async fn read(response: Response, most_bytes: usize) -> Option<Vec<u8>> {
    let ResponseBody::Stream(stream) = response.body() else { return Some(Vec::new()) };
    if most_bytes == 0 {
        return Some(Vec::new());
    }
    let mut body = body::of_answer(stream.clone(), most_bytes).await.ok()?;
    body.truncate(most_bytes);
    Some(body)
}
