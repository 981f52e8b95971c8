//! Answers: JSON for success, `application/problem+json` for everything else, never cached.

use crate::log;
use serde::Serialize;
use serde_json::json;
use worker::{Headers, Response, ResponseBuilder};
use zhongkong_core::audit;
use zhongkong_core::credential::Version;
use zhongkong_core::facade::Refusal;
use zhongkong_core::problem::{Code, Problem};

/// What a handler comes to.
pub(crate) type Outcome = Result<Answer, Problem>;

/// A success, and what the audit is told of it.
pub(crate) struct Answer {
    response: Response,
    pub(crate) told: Told,
}

/// See [`audit::Outcome`].
pub(crate) struct Told {
    /// `Err` with a code where the façade has refused in WeChat's way, with status 200.
    result: Result<&'static str, Code>,
    version: Option<Version>,
    about: Option<String>,
}

impl Told {
    pub(crate) fn outcome(&self) -> audit::Outcome<'_> {
        let about = self.about.as_deref();
        audit::Outcome { result: self.result, version: self.version, about, errcode: None }
    }
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

    /// Pages of every origin may read it (CORS).
    pub(crate) fn readable_everywhere(self) -> worker::Result<Self> {
        self.response.headers().set("Access-Control-Allow-Origin", "*")?;
        Ok(self)
    }

    /// It refuses, in WeChat's words.
    pub(crate) fn refused(mut self, code: Code) -> Self {
        self.told.result = Err(code);
        self
    }
}

/// Turns a handler's outcome into the response. `origin` is that of a page that may read it (CORS): one that asks for a signature.
pub(crate) fn into_response(outcome: Outcome, origin: Option<&str>) -> worker::Result<Response> {
    let response = outcome.map_or_else(|problem| of_problem(&problem), |answer| Ok(answer.response))?;
    if let Some(origin) = origin {
        let headers = response.headers();
        headers.set("Access-Control-Allow-Origin", origin)?;
        headers.set("Access-Control-Allow-Methods", "GET, POST")?;
        headers.set("Access-Control-Allow-Headers", "authorization, content-type")?;
        headers.set("Access-Control-Max-Age", "86400")?;
        headers.set("Vary", "Origin")?;
    }
    Ok(response)
}

/// A successful answer.
pub(crate) fn ok<T: Serialize>(body: &T) -> Outcome {
    with_status(body, 200)
}

/// An answer with a status of its own.
pub(crate) fn with_status<T: Serialize>(body: &T, status: u16) -> Outcome {
    let text = serde_json::to_string(body).map_err(|_| internal("an answer could not be written"))?;
    built(respond(text, "application/json", status))
}

/// A successful answer whose JSON is written already.
pub(crate) fn json_text(json: String) -> Outcome {
    text(json, "application/json")
}

/// A text for the caller alone.
pub(crate) fn text(text: String, content_type: &str) -> Outcome {
    built(respond(text, content_type, 200))
}

/// A text that is no secret, and may be kept for an hour.
pub(crate) fn public(text: &str, content_type: &str) -> Outcome {
    built(respond(text.to_owned(), content_type, 200).and_then(|response| {
        response.headers().set("Cache-Control", "public, max-age=3600")?;
        Ok(response)
    }))
}

/// An empty answer.
pub(crate) fn nothing() -> Outcome {
    built(guarded().map(|headers| ResponseBuilder::new().with_status(204).with_headers(headers).empty()))
}

/// A refusal in WeChat's form.
pub(crate) fn refusal(refusal: &Refusal) -> Outcome {
    json_text(refusal.to_json())
}

/// A fault of ours: the reason goes into the log, not to the caller.
pub(crate) fn internal(reason: &str) -> Problem {
    log::error("internal", json!({"detail": reason}));
    Problem::new(Code::Internal, "Something went wrong here. The operator finds the reason in the log.")
}

fn built(response: worker::Result<Response>) -> Outcome {
    response.map(answered).map_err(|_| internal("an answer could not be built"))
}

/// A response that is an answer as it stands: one of ours, or WeChat's own.
pub(crate) const fn answered(response: Response) -> Answer {
    Answer { response, told: Told { result: Ok("ok"), version: None, about: None } }
}

fn of_problem(problem: &Problem) -> worker::Result<Response> {
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
    let headers = guarded()?;
    headers.set("Content-Type", content_type)?;
    Ok(ResponseBuilder::new().with_status(status).with_headers(headers).fixed(body.into_bytes()))
}

/// The headers of every answer.
fn guarded() -> worker::Result<Headers> {
    let headers = Headers::new();
    headers.set("Cache-Control", "no-store")?;
    headers.set("X-Content-Type-Options", "nosniff")?;
    Ok(headers)
}
