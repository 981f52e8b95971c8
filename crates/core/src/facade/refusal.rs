//! Refusals in WeChat's form: HTTP 200, an errcode that SDKs know, and a text for the one who reads it.

use crate::access::Scope;
use crate::app::AppName;
use crate::problem::{Code, Problem};
use serde::Serialize;
use std::net::IpAddr;

/// `{"errcode", "errmsg"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// WeChat's code for the nearest thing.
    pub errcode: i64,
    /// What happened, to which app, what to do next.
    pub errmsg: String,
}

impl Refusal {
    /// A refusal of our own.
    pub fn new(errcode: i64, errmsg: impl Into<String>) -> Self {
        Self { errcode, errmsg: errmsg.into() }
    }

    /// The key, sent as `secret`, is nobody's.
    pub fn bad_key() -> Self {
        Self::new(
            40125,
            "invalid appsecret: nobody holds this key. Send the caller's key as secret, not the AppSecret.",
        )
    }

    /// No such app for this caller: the same for one that it may not use.
    pub fn bad_appid() -> Self {
        Self::new(40013, "invalid appid: the centre has no such app, or this key may not do this with it.")
    }

    /// The caller has the app, but not this scope.
    pub fn no_permission(scope: Scope, app: &AppName) -> Self {
        let scope = scope.name();
        Self::new(48001, format!("api unauthorized: this key does not have scope {scope} for app {app}."))
    }

    /// The caller may not come from there.
    pub fn bad_ip(ip: Option<IpAddr>) -> Self {
        let ip = ip.map_or_else(|| "unknown".to_owned(), |ip| ip.to_canonical().to_string());
        Self::new(
            40164,
            format!("invalid ip {ip}, not in whitelist: the centre does not let this key come from there."),
        )
    }

    /// The token is none of ours, or not any more.
    pub fn bad_token() -> Self {
        let text =
            "invalid credential, access_token is invalid or not latest: ask the centre for the current one.";
        Self::new(40001, text)
    }

    /// What the native API would have said, in WeChat's words.
    pub fn of(problem: &Problem) -> Self {
        let errcode = match problem.code {
            Code::Unauthorized => 40125,
            Code::NotAllowed => 40013,
            Code::InvalidRequest | Code::TooLarge | Code::UrlNotAllowed => 47001,
            Code::NotFound => 40066,
            Code::MethodNotAllowed => 43002,
            Code::RateLimited => 45009,
            // WeChat's own errcode is about the centre, not about whoever asks it: an SDK must not act on it.
            Code::UpstreamRefused | Code::Unavailable | Code::Misconfigured | Code::Internal => -1,
        };
        Self::new(errcode, problem.detail.clone())
    }

    /// The body.
    pub fn to_json(&self) -> String {
        // A number and a text always have a form.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sdks_know_the_codes_and_people_the_texts() {
        assert_eq!(Refusal::bad_ip(Some("::ffff:203.0.113.9".parse().unwrap())).errcode, 40164);
        assert!(
            Refusal::bad_ip(Some("::ffff:203.0.113.9".parse().unwrap()))
                .errmsg
                .starts_with("invalid ip 203.0.113.9, not in whitelist")
        );
        let refusal =
            Refusal::of(&Problem::new(Code::Unavailable, "App shop has no live access_token right now."));
        assert_eq!(
            refusal.to_json(),
            "{\"errcode\":-1,\"errmsg\":\"App shop has no live access_token right now.\"}"
        );
        let upstream = Problem::new(Code::UpstreamRefused, "…").by_wechat(40125);
        assert_eq!(Refusal::of(&upstream).errcode, -1, "not the caller's key, but the centre's AppSecret");
    }
}
