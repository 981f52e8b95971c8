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
}

/// Where WeChat's paths begin. Whatever begins elsewhere is none of the façade's.
const FIRST: [&str; 27] = [
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
];

/// No path of WeChat's is longer.
const LONGEST: usize = 256;

impl Target {
    /// Reads a path; `None` for one that is not WeChat's, or not written as WeChat writes them: letters,
    /// digits, `-`, `_` and single dots within a segment. `//` counts as `/`, since SDKs put hosts and
    /// paths together carelessly. Nothing is decoded.
    pub fn parse(path: &str) -> Option<Self> {
        let path = collapsed(path)?;
        let mut segments = path.strip_prefix('/')?.split('/');
        let first = segments.next().filter(|first| FIRST.contains(first))?;
        let rest = segments.clone();
        if rest.clone().next().is_none() || !segments.all(is_plain) || !is_plain(first) {
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
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    !segment.is_empty() && !dots && segment.bytes().all(plain)
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
        let known = segments.next().is_some_and(|first| FIRST.contains(&first));
        (known && segments.all(is_plain)).then(|| Self { path: path.to_owned(), and_below })
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
    fn odd_paths_are_nobodys() {
        for path in [
            "",
            "/",
            "cgi-bin/token",
            "/cgi-bin",
            "/cgi-bin/",
            "/cgi-bin/token/",
            "/CGI-BIN/token",
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
            "/v1/apps",
            "/console/",
            "/evil.example/cgi-bin/token",
        ] {
            assert_eq!(Target::parse(path), None, "{path}");
        }
        assert_eq!(Target::parse(&format!("/cgi-bin/{}", "a".repeat(300))), None);
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
        for wrong in [
            "",
            "/",
            "/*",
            "*",
            "/v1/*",
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
