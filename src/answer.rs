//! Answers: JSON for success, `application/problem+json` for everything else, never cached.

mod repeated;

use crate::facade::Answered;
use crate::{glue, log};
use js_sys::Uint8Array;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::Response;
use zhongkong_core::credential::Version;
use zhongkong_core::facade::Refusal;
use zhongkong_core::facade::scrub::{ScrubbedStream, Scrubber};
use zhongkong_core::json::{Object, Piece};
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
    /// The body of an answer in JSON with status 200. Its headers are always the same (src/glue.mjs).
    Json(String),
    /// The same, and asked for by the thousand within a second.
    Repeated(String),
    /// WeChat's own.
    Passed(Response),
    Whole(Whole),
}

/// Any other.
struct Whole {
    body: Option<String>,
    status: u16,
    content_type: &'static str,
    /// Beside those of every answer, or in their place.
    headers: Vec<(&'static str, String)>,
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

/// Turns a handler's outcome into a response. `origin` is that of a page that may read it (CORS): one that asks for a signature.
pub(crate) fn into_js(outcome: Outcome, origin: Option<&str>) -> Result<JsValue, JsValue> {
    let form = outcome.map_or_else(|problem| Form::Whole(of_problem(&problem)), |answer| answer.form);
    let mut whole = match form {
        Form::Json(text) if origin.is_none() => return Ok(glue::json_response(&JsValue::from_str(&text))),
        Form::Repeated(text) if origin.is_none() => {
            return Ok(glue::json_response(&repeated::bytes_of(text)));
        }
        Form::Passed(response) => return Ok(response.into()),
        Form::Json(text) | Form::Repeated(text) => whole(text, JSON, 200),
        Form::Whole(whole) => whole,
    };
    if let Some(origin) = origin {
        let allowed = [
            ("Access-Control-Allow-Origin", origin),
            ("Access-Control-Allow-Methods", "GET, POST"),
            ("Access-Control-Allow-Headers", "authorization, content-type"),
            ("Access-Control-Max-Age", "86400"),
            ("Vary", "Origin"),
        ];
        whole.headers.extend(allowed.map(|(name, value)| (name, value.to_owned())));
    }
    let Whole { body, status, content_type, headers } = whole;
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
    glue::response(body, status, content_type, &headers)
}

/// A successful answer.
pub(crate) fn json(body: Object) -> Answer {
    answered(Form::Json(body.finish()))
}

/// The same, in pieces.
pub(crate) fn ok(body: Piece) -> Outcome {
    Ok(answered(Form::Json(body.into_text())))
}

/// One with a credential: until the second is over, all who ask are told the same.
pub(crate) fn credential(body: Object) -> Answer {
    answered(Form::Repeated(body.finish()))
}

/// An answer with a status of its own.
pub(crate) fn with_status(body: Piece, status: u16) -> Outcome {
    built(whole(body.into_text(), JSON, status))
}

/// WeChat's own answer to a call of this path: unchanged but for what a browser would make of it on a host of ours, and for the
/// secrets that `scrubber` knows. Those are overwritten in the body, and a header that holds one is left out.
pub(crate) fn passed(answer: Answered, path: &str, scrubber: Scrubber) -> Outcome {
    let Answered { response, body, .. } = answer;
    let encoding = response.headers().get("Content-Encoding").ok().flatten().unwrap_or_default();
    // What the runtime does not unpack cannot be looked through.
    if !matches!(encoding.to_ascii_lowercase().as_str(), "" | "identity" | "gzip" | "br") {
        let detail =
            "WeChat, or a relay, has packed its answer in a way that cannot be looked through for secrets.";
        return Err(Problem::new(Code::Unavailable, detail));
    }
    let heads = glue::header_lines(&response);
    let mut left_out = String::new();
    if scrubber.finds(heads.as_bytes()) {
        let quoting = heads.lines().filter(|line| scrubber.finds(line.as_bytes()));
        left_out = quoting.filter_map(|line| Some(line.split_once(": ")?.0)).collect::<Vec<_>>().join("\n");
    }
    let (body, scrubbing) = match body.dyn_into::<Uint8Array>() {
        Ok(bytes) => {
            let mut text = bytes.to_vec();
            let masked = scrubber.mask(&mut text);
            (if masked { Uint8Array::new_from_slice(&text).into() } else { bytes.into() }, JsValue::NULL)
        }
        Err(stream) => (stream, Scrubbing(ScrubbedStream::new(scrubber)).into()),
    };
    let response = glue::passed_on(&response, &body, &left_out, &scrubbing)
        .map_err(|_| internal("an answer could not be passed on"))?;
    Ok(answered(Form::Passed(response)).telling("ok", Some(path.to_owned())))
}

/// A body that is scrubbed as it passes (src/glue.mjs).
#[wasm_bindgen]
pub struct Scrubbing(ScrubbedStream);

#[wasm_bindgen]
impl Scrubbing {
    /// The next piece; what may go on comes back.
    pub fn push(&mut self, piece: &[u8]) -> Vec<u8> {
        self.0.push(piece)
    }

    /// The rest.
    pub fn finish(&mut self) -> Vec<u8> {
        self.0.finish()
    }
}

/// A text for whoever has asked, and nobody else.
pub(crate) fn text(text: String, content_type: &'static str) -> Outcome {
    built(whole(text, content_type, 200))
}

/// A text that is no secret, and may be kept for an hour.
pub(crate) fn public(text: String, content_type: &'static str) -> Outcome {
    let headers = vec![("Cache-Control", "public, max-age=3600".to_owned())];
    built(Whole { headers, ..whole(text, content_type, 200) })
}

/// An empty answer.
pub(crate) fn nothing() -> Outcome {
    built(Whole { body: None, status: 204, content_type: "", headers: Vec::new() })
}

/// A refusal in WeChat's form.
pub(crate) fn refusal(refusal: &Refusal) -> Answer {
    answered(Form::Json(refusal.to_json()))
}

const fn answered(form: Form) -> Answer {
    Answer { form, told: Told { result: Ok("ok"), version: None, about: None } }
}

const fn built(whole: Whole) -> Outcome {
    Ok(answered(Form::Whole(whole)))
}

/// A fault of ours: the reason goes into the log, not to the caller.
pub(crate) fn internal(reason: &str) -> Problem {
    log::error("internal", &[("detail", &reason)]);
    Problem::new(Code::Internal, "Something went wrong here. The operator finds the reason in the log.")
}

fn of_problem(problem: &Problem) -> Whole {
    let mut headers = Vec::new();
    if let Some(seconds) = problem.retry_after_s {
        headers.push(("Retry-After", seconds.to_string()));
    }
    if let Some(methods) = problem.allow {
        headers.push(("Allow", methods.to_owned()));
    }
    // RFC 6750, 3.
    let bearer = match problem.code {
        Code::Unauthorized => Some("Bearer error=\"invalid_token\""),
        Code::NotAllowed => Some("Bearer error=\"insufficient_scope\""),
        _ => None,
    };
    headers.extend(bearer.map(|bearer| ("WWW-Authenticate", bearer.to_owned())));
    Whole { headers, ..whole(problem.to_json(), "application/problem+json", problem.code.status()) }
}

const fn whole(body: String, content_type: &'static str, status: u16) -> Whole {
    Whole { body: Some(body), status, content_type, headers: Vec::new() }
}
