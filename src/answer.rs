//! Answers: JSON for success, `application/problem+json` for everything else, never cached.

mod repeated;

use crate::{glue, log};
use serde_json::{Value, json};
use wasm_bindgen::JsValue;
use worker::worker_sys::web_sys;
use worker::{Headers, Response};
use zhongkong_core::credential::Version;
use zhongkong_core::facade::Refusal;
use zhongkong_core::json::Object;
use zhongkong_core::problem::{Code, Problem};

const JSON: &str = "application/json";

/// What a handler comes to.
pub(crate) type Outcome = Result<Answer, Problem>;

/// A success, and what the app's history is told of it.
pub(crate) struct Answer {
    form: Form,
    pub(crate) told: Told,
}

/// How it is handed to the runtime.
enum Form {
    /// The body of an answer in JSON with status 200. src/entry.mjs makes the response: its headers are always the same.
    Json(String),
    /// The same, and asked for by the thousand within a second.
    Repeated(String),
    Response(Response),
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

/// Turns a handler's outcome into a response. `origin` is that of a page that may read it.
pub(crate) fn into_js(outcome: Outcome, origin: Option<&str>) -> worker::Result<JsValue> {
    let response = match outcome.map(|answer| answer.form) {
        Ok(Form::Json(text)) if origin.is_none() => {
            return Ok(glue::json_response(&JsValue::from_str(&text)));
        }
        Ok(Form::Repeated(text)) if origin.is_none() => {
            return Ok(glue::json_response(&repeated::bytes_of(text)));
        }
        Ok(Form::Json(text) | Form::Repeated(text)) => respond(text, JSON, 200)?,
        Ok(Form::Response(response)) => response,
        Err(problem) => from_problem(&problem)?,
    };
    Ok(web_sys::Response::from(open_to(response, origin)?).into())
}

/// Lets a page of this origin read the answer (CORS).
fn open_to(response: Response, origin: Option<&str>) -> worker::Result<Response> {
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
pub(crate) fn json(body: Object) -> Answer {
    answered(Form::Json(body.finish()))
}

/// The same, of what serde has.
pub(crate) fn ok(body: &Value) -> Outcome {
    Ok(answered(Form::Json(body.to_string())))
}

/// One with a credential: until the second is over, all who ask are told the same.
pub(crate) fn credential(body: Object) -> Answer {
    answered(Form::Repeated(body.finish()))
}

/// An answer with a status of its own.
pub(crate) fn with_status(body: &Value, status: u16) -> Outcome {
    built(respond(body.to_string(), JSON, status))
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
    Ok(answered(Form::Response(response.with_headers(headers))).telling("ok", Some(path.to_owned())))
}

/// A text for whoever has asked, and nobody else.
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
    built(Response::empty().map(|response| response.with_status(204)))
}

/// A refusal in WeChat's form.
pub(crate) fn refusal(refusal: &Refusal) -> Answer {
    answered(Form::Json(refusal.to_json()))
}

const fn answered(form: Form) -> Answer {
    Answer { form, told: Told { result: Ok("ok"), version: None, about: None } }
}

fn built(response: worker::Result<Response>) -> Outcome {
    response
        .map(|response| answered(Form::Response(response)))
        .map_err(|_| internal("an answer could not be built"))
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
