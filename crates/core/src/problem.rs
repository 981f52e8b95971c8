//! Errors as callers see them: `application/problem+json` with a stable `code`.

use crate::app::App;
use crate::credential::Credential;
use crate::engine::{Class, Failure};
use crate::language::Language;
use crate::providers::Provider as _;
use serde::Serialize;
use std::ops::Deref;

/// The stable codes of the native API and what they mean to a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// 401: no key, or one that nobody holds.
    Unauthorized,
    /// 403: scope, app or address. An unknown app answers the same.
    NotAllowed,
    /// 400: something about the request is wrong.
    InvalidRequest,
    /// 404: no such path.
    NotFound,
    /// 405: the path exists, the method does not; `Allow` says which do.
    MethodNotAllowed,
    /// 413: the body is too large.
    TooLarge,
    /// 429: too many requests.
    RateLimited,
    /// 403: the page's host may not be signed.
    UrlNotAllowed,
    /// 502: WeChat refused, with its `errcode`.
    UpstreamRefused,
    /// 503: no live credential right now; `Retry-After` says when to ask again.
    Unavailable,
    /// 500: a setting is missing or wrong, and is named.
    Misconfigured,
    /// 500: a fault of ours; the text stays in our log.
    Internal,
}

impl Code {
    /// HTTP status, code and title.
    const fn row(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::Unauthorized => (401, "unauthorized", "No valid key"),
            Self::NotAllowed => (403, "not_allowed", "Not allowed"),
            Self::InvalidRequest => (400, "invalid_request", "Invalid request"),
            Self::NotFound => (404, "not_found", "Not found"),
            Self::MethodNotAllowed => (405, "method_not_allowed", "Method not allowed"),
            Self::TooLarge => (413, "too_large", "Body too large"),
            Self::RateLimited => (429, "rate_limited", "Too many requests"),
            Self::UrlNotAllowed => (403, "url_not_allowed", "This page may not be signed"),
            Self::UpstreamRefused => (502, "upstream_refused", "WeChat refused"),
            Self::Unavailable => (503, "unavailable", "Not available right now"),
            Self::Misconfigured => (500, "misconfigured", "A setting is missing or wrong"),
            Self::Internal => (500, "internal", "Internal error"),
        }
    }

    /// The HTTP status.
    pub const fn status(self) -> u16 {
        self.row().0
    }

    /// The stable text of the code.
    pub const fn as_str(self) -> &'static str {
        self.row().1
    }

    /// The inverse of [`Code::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        const ALL: [Code; 12] = [
            Code::Unauthorized,
            Code::NotAllowed,
            Code::InvalidRequest,
            Code::NotFound,
            Code::MethodNotAllowed,
            Code::TooLarge,
            Code::RateLimited,
            Code::UrlNotAllowed,
            Code::UpstreamRefused,
            Code::Unavailable,
            Code::Misconfigured,
            Code::Internal,
        ];
        ALL.into_iter().find(|code| code.as_str() == text)
    }
}

/// One error, ready to be answered. In a box: on its way out it is handed on by many, and rarely made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem(Box<Details>);

/// What a [`Problem`] says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Details {
    /// What kind it is.
    pub code: Code,
    /// What happened, to which app, and what to do next. Never a secret, never internal text.
    pub detail: String,
    /// Seconds after which asking again may help.
    pub retry_after_s: Option<u64>,
    /// WeChat's own code, where WeChat refused.
    pub errcode: Option<i64>,
    /// The methods that the path knows, for [`Code::MethodNotAllowed`].
    pub allow: Option<&'static str>,
}

impl Deref for Problem {
    type Target = Details;

    fn deref(&self) -> &Details {
        &self.0
    }
}

impl Problem {
    /// A problem with a code and an explanation.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self(Box::new(Details { code, detail, retry_after_s: None, errcode: None, allow: None }))
    }

    /// The same, with the methods that the path knows.
    #[must_use]
    pub fn allowing(mut self, methods: &'static str) -> Self {
        self.0.allow = Some(methods);
        self
    }

    /// The same, with a time after which asking again may help.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after_s = Some(seconds);
        self
    }

    /// The same, with what WeChat said.
    #[must_use]
    pub fn by_wechat(mut self, errcode: i64) -> Self {
        self.0.errcode = Some(errcode);
        self
    }

    /// The body of the answer.
    pub fn to_json(&self) -> String {
        let (status, code, title) = self.code.row();
        let detail = &self.detail;
        let body = Body {
            kind: "about:blank",
            status,
            title,
            detail,
            code,
            errcode: self.errcode,
            retry_after: self.retry_after_s,
        };
        // Texts and numbers always have a form.
        serde_json::to_string(&body).unwrap_or_default()
    }
}

/// `application/problem+json` (RFC 9457), with members of our own behind its own.
#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    status: u16,
    title: &'static str,
    detail: &'a str,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    errcode: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
}

/// What a caller is told when there is no live credential: 502 where WeChat refuses until a person
/// has done something, 503 where waiting helps.
pub fn unavailable(
    app: &App,
    credential: Credential,
    retry_after_s: u64,
    failure: Option<&Failure>,
) -> Problem {
    let policy = app.policy(credential);
    let refused = failure.and_then(|failure| match policy.class(failure) {
        Class::Operator { .. } | Class::OurFault | Class::Day => failure.code(),
        Class::Soon | Class::Minute | Class::DeadToken => None,
    });
    let why = failure.map_or_else(
        || "It is being fetched; ask again.".to_owned(),
        |failure| app.advice(credential, failure, Language::En),
    );
    let what = format!("App {} has no live {credential} right now. {why}", app.name);
    let code = if refused.is_some() { Code::UpstreamRefused } else { Code::Unavailable };
    let problem = Problem::new(code, what).retry_after(retry_after_s);
    match failure.and_then(Failure::code) {
        Some(errcode) => problem.by_wechat(errcode),
        None => problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn the_body_is_pinned() {
        let problem =
            Problem::new(Code::UpstreamRefused, "whitelist 1.2.3.4").retry_after(60).by_wechat(40164);
        let body: Value = serde_json::from_str(&problem.to_json()).unwrap();
        assert_eq!(
            body,
            json!({"type": "about:blank", "status": 502, "title": "WeChat refused", "detail": "whitelist 1.2.3.4",
                   "code": "upstream_refused", "errcode": 40164, "retry_after": 60})
        );
    }

    #[test]
    fn codes_are_an_inverse_pair() {
        assert_eq!(Code::parse("url_not_allowed"), Some(Code::UrlNotAllowed));
        assert_eq!(Code::parse("internal"), Some(Code::Internal));
        assert_eq!(Code::parse("nope"), None);
    }
}
