//! Paths of WeChat's, as SDKs ask for them here.

use std::borrow::Cow;

/// What an SDK wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// `/cgi-bin/token`: answered here.
    Token,
    /// `/cgi-bin/stable_token`: answered here.
    StableToken,
    /// `/cgi-bin/ticket/getticket`: answered here.
    Ticket,
    /// Any other: passed on, with the real token.
    Business(String),
    /// Meant for WeChat, and written as no path of WeChat's is.
    Unknown,
}

/// Where WeChat's paths have begun for years: what begins so is meant for WeChat, whatever it brings.
const KNOWN: [&str; 28] = [
    "bizwifi",
    "business",
    "card",
    "cgi-bin",
    "channels",
    "customservice",
    "cv",
    "datacube",
    "device",
    "express",
    "guide",
    "hardware",
    "intp",
    "merchant",
    "nontax",
    "product",
    "publisher",
    "retail",
    "scan",
    "semantic",
    "shakearound",
    "shop",
    "sns",
    "tcb",
    "union",
    "wxa",
    "wxaapi",
    "xpay",
];

/// Where our own paths begin, and those of a browser's noise.
const OURS: [&str; 11] = [
    "v1",
    "healthz",
    "metrics",
    "openapi.json",
    "jssdk.js",
    "console",
    "cdn-cgi",
    ".well-known",
    "favicon.ico",
    "robots.txt",
    "sitemap.xml",
];

/// No path of WeChat's is longer.
const LONGEST: usize = 256;

impl Target {
    /// What a request to the façade wants; `None` where that is not meant for WeChat. A list of first segments cannot
    /// keep up with WeChat, so that whatever is not ours and shows a token, or `appid` and `secret`, is WeChat's.
    pub fn of_request(path: &str, query: Option<&str>) -> Option<Self> {
        let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
        if OURS.contains(&first) {
            return None;
        }
        let (is_known, shows) = (KNOWN.contains(&first), query.is_some_and(shows_credentials));
        let target = Self::parse(path).filter(|_| is_known || shows);
        // A slip of an SDK's, as a slash at the end; not what only a scanner sends.
        let is_slip =
            || shows || (is_known && path.split('/').all(|segment| segment.bytes().all(is_plain_byte)));
        target.or_else(|| is_slip().then_some(Self::Unknown))
    }

    /// Reads a path that is meant for WeChat; `None` for one that is not written as WeChat writes them: two segments or
    /// more of letters, digits, `-`, `_` and single dots within a segment. `//` counts as `/`, since SDKs put hosts and
    /// paths together carelessly. Nothing is decoded.
    pub fn parse(path: &str) -> Option<Self> {
        let path = collapsed(path)?;
        let segments = path.strip_prefix('/')?;
        let (first, _) = segments.split_once('/')?;
        // None of WeChat's has a dot: what has one is a host or a file.
        if first.contains('.') || !segments.split('/').all(is_plain) {
            return None;
        }
        // WeChat takes them in either case, and what is passed on carries the real token.
        let answered = [
            ("/cgi-bin/token", Self::Token),
            ("/cgi-bin/stable_token", Self::StableToken),
            ("/cgi-bin/ticket/getticket", Self::Ticket),
        ];
        let target = answered.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(&path));
        Some(target.map_or_else(|| Self::Business(path.into_owned()), |(_, target)| target))
    }
}

/// Whether a query has what WeChat's paths take: a token of any kind, or `appid` and `secret`; empty or not.
fn shows_credentials(query: &str) -> bool {
    let names = || query.split('&').map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name));
    let has = |name: &str| names().any(|found| found == name);
    names().any(|name| name == "access_token" || name.ends_with("_access_token"))
        || (has("appid") && has("secret"))
        || (has("corpid") && has("corpsecret"))
}

fn collapsed(path: &str) -> Option<Cow<'_, str>> {
    if path.len() > LONGEST {
        return None;
    }
    if !has_double_slash(path) {
        return Some(Cow::Borrowed(path));
    }
    let mut text = String::with_capacity(path.len());
    for c in path.chars() {
        if c != '/' || !text.ends_with('/') {
            text.push(c);
        }
    }
    Some(Cow::Owned(text))
}

/// Cheaper for short texts than the standard library's search, which prepares for long ones.
pub(crate) fn has_double_slash(path: &str) -> bool {
    path.as_bytes().windows(2).any(|pair| pair == b"//")
}

fn is_plain(segment: &str) -> bool {
    let dots = segment.starts_with('.') || segment.ends_with('.') || segment.contains("..");
    !segment.is_empty() && !dots && segment.bytes().all(is_plain_byte)
}

const fn is_plain_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')
}

/// What a caller may pass through: an exact path, or a beginning that ends in `/*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPattern {
    path: String,
    and_below: bool,
}

impl PathPattern {
    /// Reads `/cgi-bin/message/*` or `/cgi-bin/menu/get`; `None` when WeChat can have no such path.
    pub fn parse(text: &str) -> Option<Self> {
        let (path, and_below) = match text.strip_suffix("/*") {
            Some(path) => (path, true),
            None => (text, false),
        };
        let mut segments = path.strip_prefix('/')?.split('/');
        let is_ours = segments.clone().next().is_none_or(|first| OURS.contains(&first));
        (!is_ours && segments.all(is_plain)).then(|| Self { path: path.to_owned(), and_below })
    }

    /// Whether a path, as [`Target::Business`] has it, is covered.
    pub fn covers(&self, path: &str) -> bool {
        match path.strip_prefix(self.path.as_str()) {
            Some("") => !self.and_below,
            Some(rest) => self.and_below && rest.starts_with('/'),
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn business(path: &str) -> Option<Target> {
        Some(Target::Business(path.to_owned()))
    }

    #[test]
    fn three_are_answered_here_and_the_others_passed_on() {
        assert_eq!(Target::parse("/cgi-bin/token"), Some(Target::Token));
        assert_eq!(Target::parse("//cgi-bin///token"), Some(Target::Token));
        assert_eq!(Target::parse("/cgi-bin/stable_token"), Some(Target::StableToken));
        assert_eq!(Target::parse("/cgi-bin/ticket/getticket"), Some(Target::Ticket));
        assert_eq!(Target::parse("/cgi-bin/ticket/getTicket"), Some(Target::Ticket));
        assert_eq!(Target::parse("/cgi-bin/Stable_Token"), Some(Target::StableToken));
        for path in [
            "/cgi-bin/message/custom/send",
            "/wxa/getwxacode",
            "/sns/jscode2session",
            "/datacube/getusersummary",
        ] {
            assert_eq!(Target::parse(path), business(path));
        }
        assert_eq!(Target::parse("/cgi-bin//menu/get"), business("/cgi-bin/menu/get"));
    }

    #[test]
    fn odd_paths_are_not_wechats() {
        for path in [
            "",
            "/",
            "cgi-bin/token",
            "/cgi-bin",
            "/cgi-bin/",
            "/cgi-bin/token/",
            "/cgi-bin/../token",
            "/cgi-bin/./token",
            "/cgi-bin/%74oken",
            "/cgi-bin%2ftoken",
            "/cgi-bin/to ken",
            "/cgi-bin/a?b",
            "/cgi-bin/a#b",
            "/cgi-bin/a\\b",
            "/cgi-bin/a@evil.example",
            "/cgi-bin/.git",
            "/cgi-bin/a..b",
            "/cgi-bin/a./b",
        ] {
            assert_eq!(Target::parse(path), None, "{path}");
        }
        assert_eq!(Target::parse(&format!("/cgi-bin/{}", "a".repeat(300))), None);
    }

    #[test]
    fn what_shows_a_token_or_appid_and_secret_is_meant_for_wechat() {
        let token = Some("x=1&access_token=T");
        for path in
            ["/xpay/query_user_balance", "/redpacketcover/wxapp/cover_url/get_by_token", "/user-order/orders"]
        {
            assert_eq!(Target::of_request(path, token), business(path), "{path}");
        }
        for query in [
            "access_token",
            "access_token=",
            "component_access_token=c",
            "appid=wx1&secret=",
            "corpid=w&corpsecret=s",
        ] {
            assert_eq!(Target::of_request("/marketing/x", Some(query)), business("/marketing/x"), "{query}");
        }
        for (path, query) in [
            ("/marketing/x", None),
            ("/wp-admin", Some("appid=wx1")),
            ("/", Some("secret=a")),
            ("/evil", Some("xaccess_token=a")),
        ] {
            assert_eq!(Target::of_request(path, query), None, "{path}");
        }
        for path in
            ["/v1/apps", "/console/", "/metrics", "/healthz", "/favicon.ico", "//v1/apps", "/.well-known/x"]
        {
            assert_eq!(Target::of_request(path, token), None, "{path}");
        }
        for path in ["/cgi-bin/token/", "/cgi-bin", "/datacube//", "/sns/a..b"] {
            assert_eq!(Target::of_request(path, None), Some(Target::Unknown), "{path}");
        }
        assert_eq!(Target::of_request("/cgi-bin/%74oken", None), None);
        assert_eq!(Target::parse("/evil.example/x"), None);
        assert_eq!(Target::of_request("/a%2fb", token), Some(Target::Unknown));
        assert_eq!(Target::of_request("/CGI-BIN/Ticket/getticket", token), Some(Target::Ticket));
    }

    #[test]
    fn patterns_cover_a_path_or_all_below() {
        let below = PathPattern::parse("/cgi-bin/message/*").unwrap();
        assert!(below.covers("/cgi-bin/message/custom/send") && below.covers("/cgi-bin/message/x"));
        assert!(
            !below.covers("/cgi-bin/message")
                && !below.covers("/cgi-bin/messages/x")
                && !below.covers("/cgi-bin/menu/get")
        );
        let exact = PathPattern::parse("/cgi-bin/menu/get").unwrap();
        assert!(
            exact.covers("/cgi-bin/menu/get")
                && !exact.covers("/cgi-bin/menu/get/x")
                && !exact.covers("/cgi-bin/menu/ge")
        );
        assert!(PathPattern::parse("/wxa/*").unwrap().covers("/wxa/getwxacode"));
        assert!(PathPattern::parse("/xpay/*").unwrap().covers("/xpay/query_user_balance"));
        for wrong in [
            "",
            "/",
            "/*",
            "*",
            "/v1/*",
            "/console/x",
            "cgi-bin/*",
            "/cgi-bin/*/send",
            "/cgi-bin/../x",
            "/cgi-bin/mess*",
            "/cgi-bin//x",
        ] {
            assert_eq!(PathPattern::parse(wrong), None, "{wrong}");
        }
    }
}
