//! Answers: JSON for success, `application/problem+json` for everything else, never cached.

use crate::log;
use serde::Serialize;
use serde_json::json;
use worker::{Headers, Response};
use zhongkong_core::credential::Version;
use zhongkong_core::facade::Refusal;
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
    /// `Err` with a code where the façade has refused in WeChat's way, with status 200.
    pub(crate) result: Result<&'static str, Code>,
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
        (self.told.result, self.told.about) = (Ok(result), about);
        self
    }

    /// It refuses, in WeChat's words.
    pub(crate) fn refused(mut self, code: Code) -> Self {
        self.told.result = Err(code);
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
    respond(text, "application/json", status)
        .map(answered)
        .map_err(|_| internal("an answer could not be built"))
}

/// WeChat's own answer to a call of this path, unchanged but for what a browser would make of it on a host of
/// ours: no cookies, no scripts in what somebody has uploaded, nothing kept.
pub(crate) fn passed(response: Response, path: &str) -> Outcome {
    let headers = Headers::new();
    let guarded = || {
        for (name, value) in response.headers().entries() {
            if !name.eq_ignore_ascii_case("set-cookie") {
                headers.append(&name, &value)?;
            }
        }
        headers.set("Cache-Control", "no-store")?;
        headers.set("X-Content-Type-Options", "nosniff")?;
        headers.set("Content-Security-Policy", "sandbox")
    };
    guarded().map_err(|_| internal("an answer could not be passed on"))?;
    Ok(answered(response.with_headers(headers)).telling("ok", Some(path.to_owned())))
}

/// A text for whoever has asked, and nobody else.
pub(crate) fn text(text: String, content_type: &str) -> Outcome {
    respond(text, content_type, 200).map(answered).map_err(|_| internal("a text could not be built"))
}

/// A text that is no secret, and may be kept for an hour.
pub(crate) fn public(text: &str, content_type: &str) -> Outcome {
    let built = respond(text.to_owned(), content_type, 200).and_then(|response| {
        response.headers().set("Cache-Control", "public, max-age=3600")?;
        Ok(answered(response))
    });
    built.map_err(|_| internal("a text could not be built"))
}

/// An empty answer.
pub(crate) fn nothing() -> Outcome {
    Response::empty()
        .map(|response| answered(response.with_status(204)))
        .map_err(|_| internal("an empty answer could not be built"))
}

/// A refusal in WeChat's form.
pub(crate) fn refusal(refusal: &Refusal) -> Outcome {
    respond(refusal.to_json(), "application/json", 200)
        .map(answered)
        .map_err(|_| internal("a refusal could not be built"))
}

const fn answered(response: Response) -> Answer {
    Answer { response, told: Told { result: Ok("ok"), version: None, about: None } }
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
