//! Answers: JSON for success, `application/problem+json` for everything else, never cached.

use crate::log;
use serde::Serialize;
use serde_json::json;
use worker::{Headers, Response};
use zhongkong_core::credential::Version;
use zhongkong_core::problem::{Code, Problem};

/// What a handler comes to.
pub(crate) type Outcome = Result<Answer, Problem>;

/// A success, and what the app's history is told of it.
pub(crate) struct Answer {
    response: Response,
    pub(crate) told: Told,
}

/// See [`zhongkong_core::history::Deed`].
pub(crate) struct Told {
    pub(crate) result: &'static str,
    pub(crate) version: Option<Version>,
    pub(crate) about: Option<String>,
}

impl Answer {
    /// It hands out this version, or is made with it.
    pub(crate) fn of_version(mut self, version: Version) -> Self {
        self.told.version = Some(version);
        self
    }

    /// It is more than `ok`, and about this.
    pub(crate) fn telling(mut self, result: &'static str, about: Option<String>) -> Self {
        (self.told.result, self.told.about) = (result, about);
        self
    }
}

/// Turns a handler's outcome into the response.
pub(crate) fn from_outcome(outcome: Outcome) -> worker::Result<Response> {
    outcome.map_or_else(|problem| from_problem(&problem), |answer| Ok(answer.response))
}

/// A successful answer.
pub(crate) fn ok<T: Serialize>(body: &T) -> Outcome {
    with_status(body, 200)
}

/// An answer with a status of its own.
pub(crate) fn with_status<T: Serialize>(body: &T, status: u16) -> Outcome {
    let text = serde_json::to_string(body).map_err(|_| internal("an answer could not be written"))?;
    let response =
        respond(text, "application/json", status).map_err(|_| internal("an answer could not be built"))?;
    Ok(Answer { response, told: Told { result: "ok", version: None, about: None } })
}

/// A fault of ours: the reason goes into the log, not to the caller.
pub(crate) fn internal(reason: &str) -> Problem {
    log::error("internal", json!({"detail": reason}));
    Problem::new(Code::Internal, "Something went wrong here. The operator finds the reason in the log.")
}

fn from_problem(problem: &Problem) -> worker::Result<Response> {
    let response = respond(problem.to_json(), "application/problem+json", problem.code.status())?;
    let headers = response.headers();
    if let Some(seconds) = problem.retry_after_s {
        headers.set("Retry-After", &seconds.to_string())?;
    }
    if let Some(methods) = problem.allow {
        headers.set("Allow", methods)?;
    }
    // RFC 6750, 3.
    match problem.code {
        Code::Unauthorized => headers.set("WWW-Authenticate", "Bearer error=\"invalid_token\"")?,
        Code::NotAllowed => headers.set("WWW-Authenticate", "Bearer error=\"insufficient_scope\"")?,
        _ => {}
    }
    Ok(response)
}

fn respond(body: String, content_type: &str, status: u16) -> worker::Result<Response> {
    let headers = Headers::new();
    headers.set("Content-Type", content_type)?;
    headers.set("Cache-Control", "no-store")?;
    headers.set("X-Content-Type-Options", "nosniff")?;
    Ok(Response::ok(body)?.with_headers(headers).with_status(status))
}
