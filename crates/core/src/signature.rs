//! Signatures for pages (`wx.config`) and the rule which pages may be signed.
//!
//! The URL is signed as the page gives it: cut at the first `#`, otherwise untouched. A URL parser
//! would drop default ports, change case or re-encode, and every such change breaks the signature
//! (JS-SDK documentation, appendices 1 and 5).

pub mod card;
pub mod explain;
pub mod hint;

use crate::credential::Value;
use crate::digest::hex;
use core::fmt;
use sha1::{Digest as _, Sha1};

/// The longest URL that is signed, in bytes.
pub const MAX_URL_BYTES: usize = 8192;

/// A page that may be signed: an `http` or `https` URL without its fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageUrl<'a> {
    url: &'a str,
    host: &'a str,
}

/// Why a text is not the URL of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageUrlError {
    /// Neither `http://` nor `https://`.
    Scheme,
    /// No host, or one that cannot be told apart safely (user info, a backslash, odd characters).
    Host,
    /// White space or control characters: the page's own URL has none.
    Characters,
    /// Longer than [`MAX_URL_BYTES`].
    TooLong,
}

impl fmt::Display for PageUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "the url must start with http:// or https://; send location.href.split('#')[0]",
            Self::Host => "the url has no plain host name; send location.href.split('#')[0]",
            Self::Characters => {
                "the url holds white space or control characters; send it as location.href has it"
            }
            Self::TooLong => "the url is longer than 8192 bytes",
        })
    }
}

impl<'a> PageUrl<'a> {
    /// Reads the URL of a page; what follows the first `#` is left out.
    ///
    /// # Errors
    /// [`PageUrlError`] says what is wrong with it.
    pub fn parse(text: &'a str) -> Result<Self, PageUrlError> {
        let url = text.split('#').next().unwrap_or_default();
        if url.len() > MAX_URL_BYTES {
            return Err(PageUrlError::TooLong);
        }
        // Most are ASCII, where a byte tells.
        let odd = |byte: u8| byte <= b' ' || byte == 0x7f;
        let is_odd = |c: char| c.is_whitespace() || c.is_control();
        if url.bytes().any(odd) || (!url.is_ascii() && url.chars().any(is_odd)) {
            return Err(PageUrlError::Characters);
        }
        let rest = ["https://", "http://"]
            .iter()
            .find_map(|scheme| {
                url.get(..scheme.len())
                    .filter(|s| s.eq_ignore_ascii_case(scheme))
                    .and(url.get(scheme.len()..))
            })
            .ok_or(PageUrlError::Scheme)?;
        let end = rest.bytes().position(|byte| matches!(byte, b'/' | b'?'));
        let authority = end.and_then(|end| rest.get(..end)).unwrap_or(rest);
        let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.';
        if host.is_empty() || !host.bytes().all(plain) || !port.bytes().all(|b| b.is_ascii_digit()) {
            return Err(PageUrlError::Host);
        }
        Ok(Self { url, host })
    }

    /// The host, in the case the page gave it.
    pub fn host(&self) -> &str {
        self.host
    }

    /// Whether this page may be signed for an app with these `sign_hosts`.
    ///
    /// The signed string joins its fields by plain text, `…&timestamp=T&url=URL`, so a URL that itself holds
    /// `&url=https://other/…` can be read as the other page with a longer nonce and timestamp, which the other
    /// page may hand to `wx.config`. Such a URL is signed only if the embedded page could be signed as well.
    ///
    /// # Errors
    /// [`NotSigned`] says which page is in the way.
    pub fn check(&self, sign_hosts: &[HostPattern]) -> Result<(), NotSigned> {
        let allowed = |page: &Self| sign_hosts.iter().any(|pattern| pattern.covers(page.host));
        if !allowed(self) {
            return Err(NotSigned::Host);
        }
        let embedded = self.url.match_indices(URL_FIELD).filter_map(|(at, field)| {
            let page = Self::parse(self.url.get(at + field.len()..)?);
            // A page's location begins with a scheme; `&url=x` or an encoded one is read in no other way.
            (page != Err(PageUrlError::Scheme)).then_some(page)
        });
        for page in embedded {
            if !page.is_ok_and(|page| allowed(&page)) {
                return Err(NotSigned::Ambiguous);
            }
        }
        Ok(())
    }

    /// The URL that is signed.
    pub fn as_str(&self) -> &str {
        self.url
    }
}

/// The field of the signed string that a URL may not seem to begin anew.
const URL_FIELD: &str = "&url=";

/// Why a page is not signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotSigned {
    /// Its host is not among the `sign_hosts`.
    Host,
    /// The signature would be good for another page too, whose host is not among them.
    Ambiguous,
}

/// A host whose pages may be signed: `shop.example.com`, or `*.example.com` for everything below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPattern {
    host: String,
    below: bool,
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.below { "*." } else { "" }, self.host)
    }
}

impl HostPattern {
    /// Reads a pattern; `None` when it is not a host name, with or without a leading `*.`.
    pub fn parse(text: &str) -> Option<Self> {
        let (host, below) = text.strip_prefix("*.").map_or((text, false), |host| (host, true));
        let label = |l: &str| !l.is_empty() && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let sound = host.split('.').all(label) && (!below || host.contains('.'));
        sound.then(|| Self { host: host.to_ascii_lowercase(), below })
    }

    /// Whether `host` is covered. `*.example.com` covers what is below it, not `example.com`.
    pub fn covers(&self, host: &str) -> bool {
        let Some((front, end)) =
            host.len().checked_sub(self.host.len()).and_then(|at| host.split_at_checked(at))
        else {
            return false;
        };
        let is_in = if self.below { front.len() > 1 && front.ends_with('.') } else { front.is_empty() };
        is_in && end.eq_ignore_ascii_case(&self.host)
    }
}

/// Length of the nonce that [`nonce`] makes.
pub const NONCE_CHARS: usize = 16;

/// A `nonceStr` of letters and digits from random bytes.
pub fn nonce(random: [u8; NONCE_CHARS]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789ab";
    let text = random.map(|byte| ALPHABET.get(usize::from(byte & 63)).copied().unwrap_or_default());
    core::str::from_utf8(&text).unwrap_or_default().to_owned()
}

/// The signature of a page for `wx.config`: 40 lower-case hex digits.
///
/// `timestamp` is in Unix seconds. The keys stand in ASCII order and the values raw (JS-SDK
/// documentation, appendix 1).
pub fn js_sdk(ticket: &Value, nonce: &str, timestamp: u64, page: &PageUrl<'_>) -> String {
    let mut hasher = Sha1::new();
    for part in [
        "jsapi_ticket=",
        ticket.expose(),
        "&noncestr=",
        nonce,
        "&timestamp=",
        &timestamp.to_string(),
        "&url=",
        page.url,
    ] {
        hasher.update(part.as_bytes());
    }
    hex(&hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sign(url: &str) -> String {
        let ticket = "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg";
        js_sdk(
            &Value::parse(ticket).unwrap(),
            "Wm3WZYTPz0wzccnW",
            1_414_587_457,
            &PageUrl::parse(url).unwrap(),
        )
    }

    #[test]
    fn official_vectors() {
        assert_eq!(sign("http://mp.weixin.qq.com?params=value"), "0f9de62fce790f9a083d5c99e95740ceb90c27ed");
        assert_eq!(sign("http://mp.weixin.qq.com"), "f4d90daf4b3bca3078ab155816175ba34c443a7b");
    }

    /// Computed with another implementation; they guard against a URL that gets "fixed".
    #[test]
    fn the_url_is_signed_as_it_stands() {
        for (url, signature) in [
            ("http://mp.weixin.qq.com/?params=value", "f50191877b62b116ef830363a3a613ed652a2d5d"),
            ("https://example.com/a?b=1&c=2", "258772d2f349fde77b663936ab87cb93c747189e"),
            ("https://example.com/a?b=1&c=2#/route?x=1#y", "258772d2f349fde77b663936ab87cb93c747189e"),
            ("https://example.com/a?q=中文", "dc01949db794f2284bb3cb655f08d885263ad375"),
            ("https://example.com/a?q=%E4%B8%AD%E6%96%87", "e425c3f0f26fd7bc80704a705d2e76724a6e341f"),
        ] {
            assert_eq!(sign(url), signature, "{url}");
        }
        assert_ne!(sign("https://example.com:443/"), sign("https://example.com/"));
    }

    #[test]
    fn a_wxjava_vector() {
        let ticket = Value::parse(
            "bxLdikRXVbTPdHSM05e5u4RbEYQn7pNQMPrfzl8lJNb1foLDa3HIwI3BRMkQmSO_5F64VFa75uURcq6Uz7QHgA",
        )
        .unwrap();
        let page = PageUrl::parse(
            "http://omstest.vmall.com:23568/thirdparty/wechat/vcode/gotoshare?quantity=1&batchName=MATE7",
        )
        .unwrap();
        let signature = js_sdk(&ticket, "82693e11-b9bc-448e-892f-f5289f46cd0f", 1_419_835_025, &page);
        assert_eq!(signature, "c6f04b64d6351d197b71bd23fb7dd2d44c0db486");
    }

    #[test]
    fn hosts_cannot_be_disguised() {
        for bad in [
            "https://good.example.com@evil.com/",
            "https://evil.com\\@good.example.com/",
            "https://good.example.com:80@evil.com/",
            "https:///x",
            "https://[::1]/",
            "https://exa%6dple.com/",
        ] {
            assert_eq!(PageUrl::parse(bad), Err(PageUrlError::Host), "{bad}");
        }
        assert_eq!(PageUrl::parse("javascript:alert(1)"), Err(PageUrlError::Scheme));
        assert_eq!(PageUrl::parse("//good.example.com/"), Err(PageUrlError::Scheme));
        assert_eq!(PageUrl::parse("https://a.com/ b"), Err(PageUrlError::Characters));
        assert_eq!(PageUrl::parse("中"), Err(PageUrlError::Scheme));
        assert_eq!(
            PageUrl::parse(&format!("https://a.com/{}", "x".repeat(8192))),
            Err(PageUrlError::TooLong)
        );
        assert_eq!(PageUrl::parse("HTTPS://Shop.Example.com:8443?x").unwrap().host(), "Shop.Example.com");
    }

    #[test]
    fn patterns_cover_what_they_say() {
        let exact = HostPattern::parse("shop.example.com").unwrap();
        assert!(exact.covers("SHOP.example.com"));
        assert!(!exact.covers("a.shop.example.com") && !exact.covers("shop.example.com.evil.com"));
        let below = HostPattern::parse("*.example.com").unwrap();
        assert!(below.covers("a.example.com") && below.covers("a.b.example.com"));
        assert!(
            !below.covers("example.com") && !below.covers("evilexample.com") && !below.covers(".example.com")
        );
        for bad in ["", "*", "*.com", "https://a.com", "a.com/", "a..com", "*.*.com", "a.com:80"] {
            assert!(HostPattern::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn nonces_are_letters_and_digits() {
        let text = nonce([0, 1, 25, 26, 51, 52, 61, 62, 63, 64, 255, 128, 7, 9, 11, 13]);
        assert_eq!(text.len(), NONCE_CHARS);
        assert!(text.bytes().all(|b| b.is_ascii_alphanumeric()));
    }

    #[test]
    fn a_url_that_can_be_read_as_another_page_is_refused() {
        let hosts = ["shop.example.com", "*.example.net"].map(|host| HostPattern::parse(host).unwrap());
        let check = |url: &str| PageUrl::parse(url).unwrap().check(&hosts);
        for ambiguous in [
            "https://shop.example.com/?x&timestamp=1700000000&url=https://evil.example.org/p",
            "https://shop.example.com/?x&timestamp=1700000000&url=http://evil.example.org",
            "https://shop.example.com/?x&timestamp=a&b&url=HTTPS://evil.example.org/p",
            "https://shop.example.com/?x&url=https://evil.example.org/p",
            "https://shop.example.com/a&timestamp=1&url=https://evil.example.org/",
            "https://shop.example.com/?a&url=https://shop.example.com/?b&url=https://evil.example.org/",
            "https://shop.example.com/?a&url=https://evil.example.org/?b&url=https://shop.example.com/",
            "https://shop.example.com/?a&url=https://user@shop.example.com/",
            "https://shop.example.com/?a&url=https://",
        ] {
            assert_eq!(check(ambiguous), Err(NotSigned::Ambiguous), "{ambiguous}");
        }
        for honest in [
            "https://shop.example.com/?timestamp=1&from=x",
            "https://shop.example.com/?a=1&timestamp=1700000000&from=singlemessage",
            "https://shop.example.com/?a=1&timestamp=1&url=https%3A%2F%2Fevil.example.org%2Fp",
            "https://shop.example.com/?url=https://evil.example.org/p",
            "https://shop.example.com/?a&backurl=https://evil.example.org/p",
            "https://shop.example.com/?a&url=/relative",
            "https://shop.example.com/?a&url=",
            "https://shop.example.com/?a&timestamp=1&url=https://m.example.net/p",
            "https://shop.example.com/?a#&timestamp=1&url=https://evil.example.org/p",
        ] {
            assert_eq!(check(honest), Ok(()), "{honest}");
        }
        assert_eq!(check("https://evil.example.org/?a&url=https://shop.example.com/"), Err(NotSigned::Host));
    }

    /// What such a URL is refused for: the other page's fields give the very same text to sign.
    #[test]
    fn the_refused_url_has_the_signature_of_another_page() {
        let ticket = Value::parse("ticket").unwrap();
        let asked = PageUrl::parse("https://shop.example.com/?x&timestamp=17&url=https://evil.example.org/p")
            .unwrap();
        let signature = js_sdk(&ticket, "N", 16, &asked);
        let other = PageUrl::parse("https://evil.example.org/p").unwrap();
        assert_eq!(js_sdk(&ticket, "N&timestamp=16&url=https://shop.example.com/?x", 17, &other), signature);
    }
}
