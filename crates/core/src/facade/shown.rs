//! What a caller must not pass on to WeChat by mistake: its own key, another caller's, a virtual token.

use super::virtual_token;
use crate::config::{Config, MIN_KEY_CHARS};
use crate::digest::Sha256Digest;
use crate::secret::Secret;
use percent_encoding::percent_decode_str;
use std::cell::OnceCell;

/// How often a text may be percent-encoded.
const MAX_LAYERS: usize = 4;

/// A key or a virtual token is no longer.
const LONGEST: usize = 1024;

/// What separates a key from what stands around it, in a path, a query or a body. One with other characters than these,
/// which `npm run new-key` does not make, is found where the request was made with it.
fn is_around(c: char) -> bool {
    !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | '.' | '~' | '+' | '%')
}

/// A text with JSON's escapes of ASCII characters read: `\u002B`, `\/`.
fn unescaped(text: &str) -> String {
    let mut parts = text.split("\\u");
    let mut read = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part.get(..4).and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(u8::is_ascii);
        if let (Some(code), Some(rest)) = (code, part.get(4..)) {
            read.push(char::from(code));
            read.push_str(rest);
        } else {
            read.push_str("\\u");
            read.push_str(part);
        }
    }
    read.replace("\\/", "/")
}

/// Whether a body of this type is text, which is looked into; without a type it may be.
pub fn is_text(content_type: &str) -> bool {
    let kind = content_type.to_ascii_lowercase();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.is_empty()
        || kind.starts_with("text/")
        || ["json", "xml", "javascript", "x-www-form-urlencoded"].iter().any(|end| kind.ends_with(end))
}

/// Finds keys and virtual tokens in what goes up.
pub struct OwnKeys<'c> {
    config: &'c Config,
    /// What the request itself has been made with.
    shown: &'c Secret,
    /// The digests of all keys in order, once they are asked for: a long text has thousands of words, and there may be thousands of
    /// keys. The time that it takes tells nothing: the text is the caller's own.
    digests: OnceCell<Vec<[u8; 32]>>,
}

impl core::fmt::Debug for OwnKeys<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("OwnKeys")
    }
}

impl<'c> OwnKeys<'c> {
    /// For a request that was made with the key or virtual token `shown`.
    pub const fn new(config: &'c Config, shown: &'c Secret) -> Self {
        Self { config, shown, digests: OnceCell::new() }
    }

    /// Whether a path, a query or a header's value holds what the request was made with, anywhere in it, or the key or
    /// virtual token of any caller as a name, value or segment; percent-encoded or not.
    pub fn stand_in(&self, text: &str) -> bool {
        let mut text = text.to_owned();
        for _ in 0..=MAX_LAYERS {
            if text.len() < MIN_KEY_CHARS {
                return false;
            }
            let shown = self.shown.expose();
            if (shown.len() >= MIN_KEY_CHARS && text.contains(shown))
                || text.split(is_around).any(|part| self.is_ours(part))
            {
                return true;
            }
            let decoded = percent_decode_str(&text).decode_utf8_lossy().into_owned();
            if decoded == text {
                return false;
            }
            text = decoded;
        }
        false
    }

    /// The same for a body of text: a form, JSON, XML. `content_type` is what it is said to be; binary ones and those
    /// of several parts are not read.
    pub fn stand_in_body(&self, content_type: &str, body: &[u8]) -> bool {
        if body.len() < MIN_KEY_CHARS || !is_text(content_type) {
            return false;
        }
        let text = String::from_utf8_lossy(body);
        self.stand_in(&text) || (text.contains('\\') && self.stand_in(&unescaped(&text)))
    }

    fn is_ours(&self, part: &str) -> bool {
        if !(MIN_KEY_CHARS..=LONGEST).contains(&part.len()) {
            return false;
        }
        let Config { callers, sealer, .. } = self.config;
        let digests = self.digests.get_or_init(|| {
            let keys = callers.iter().flat_map(|caller| &caller.keys);
            let mut digests: Vec<[u8; 32]> = keys.map(|key| key.to_bytes()).collect();
            digests.sort_unstable();
            digests
        });
        let is_virtual =
            || sealer.as_ref().is_some_and(|sealer| virtual_token::read(sealer, callers, part).is_some());
        digests.binary_search(&Sha256Digest::of(part).to_bytes()).is_ok() || is_virtual()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::AppName;

    const KEY: &str = "k3y-of-web-0123456789abcdef-0123";

    #[test]
    fn a_key_is_found_wherever_it_stands() {
        let config = crate::config::tests::setup().read();
        let shown = Secret::new("another+key=that/the&request?was-made-with".to_owned());
        let keys = OwnKeys::new(&config, &shown);
        let encoded = KEY.replace('-', "%2D");
        let often = KEY.replace('-', "%2525252D");
        for text in [
            format!("secret={KEY}"),
            format!("{KEY}=1"),
            format!("a=b&{KEY}"),
            format!("x=1&api%20key={encoded}&y=%zz"),
            format!("x={often}"),
            format!("/cgi-bin/{KEY}/x"),
            format!("x=a{}b", shown.expose()),
        ] {
            assert!(keys.stand_in(&text), "{text}");
        }
        for text in
            ["secret=app5ecret0123456789abcdef0123456&x&y=%zz", "", "/cgi-bin/message/custom/send", &KEY[1..]]
        {
            assert!(!keys.stand_in(text), "{text}");
        }
        assert!(
            !OwnKeys::new(&config, &Secret::new(String::new()))
                .stand_in("lang=zh_CN&x=0123456789abcdef0123456789abcdef")
        );
    }

    #[test]
    fn a_key_is_found_in_a_body_of_text() {
        let config = crate::config::tests::setup().read();
        let shown = Secret::new("another/key-0123456789abcdef0123456789".to_owned());
        let keys = OwnKeys::new(&config, &shown);
        let escaped = format!("{{\"x\":\"{}\"}}", shown.expose().replace('/', "\\/"));
        for (kind, body) in [
            ("application/json; charset=utf-8", format!("{{\"secret\":\"{KEY}\"}}")),
            ("application/x-www-form-urlencoded", format!("a=b&secret={}", KEY.replace('-', "%2D"))),
            ("Text/XML", format!("<xml><key>{KEY}</key></xml>")),
            ("", format!("[\n  \"{KEY}\"\n]")),
            ("application/json", escaped),
            ("application/json", format!("{{\"data\":\"{{\\\"secret\\\":\\\"{KEY}\\\"}}\"}}")),
            ("application/json", format!("{{\"x\":\"{}\"}}", KEY.replace('-', "\\u002D"))),
        ] {
            assert!(keys.stand_in_body(kind, body.as_bytes()), "{kind} {body}");
        }
        for (kind, body) in [
            ("application/json", "{\"secret\":\"app5ecret0123456789abcdef0123456\"}"),
            ("multipart/form-data; boundary=b", KEY),
            ("image/png", KEY),
        ] {
            assert!(!keys.stand_in_body(kind, body.as_bytes()), "{kind}");
        }
    }

    #[test]
    fn a_virtual_token_is_found_under_any_name() {
        let config = crate::config::tests::setup().read();
        let web = config.callers.named("web").unwrap();
        let shop = AppName::parse("shop").unwrap();
        let token =
            virtual_token::issue(config.sealer.as_ref().unwrap(), &shop, web, web.keys.first().unwrap());
        let shown = Secret::new(KEY.to_owned());
        for query in [format!("vt={token}"), format!("ACCESS_TOKEN={}", token.replace('_', "%5F"))] {
            assert!(OwnKeys::new(&config, &shown).stand_in(&query), "{query}");
        }
    }
}
