//! Why WeChat calls a signature invalid: what would be signed for a URL, and what a given signature was made for.
//!
//! The causes are those of the JS-SDK documentation, appendix 5, and of the threads about "invalid signature": another
//! URL than the page's own (a `#`, one encoding too many, a template's `&amp;`, a slash), another ticket, other fields.

use super::{PageUrl, js_sdk};
use crate::credential::Value;
use crate::language::Language;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::Serialize;

/// What a page has handed to `wx.config`, and WeChat has refused.
#[derive(Clone, Debug)]
pub struct Claim {
    /// `signature`.
    pub signature: String,
    /// `nonceStr`.
    pub nonce: String,
    /// `timestamp`.
    pub timestamp: u64,
}

/// What a signature was made for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Verdict {
    /// For this URL, with the current ticket.
    Right,
    /// With the current ticket, but for this other form of the URL.
    OtherUrl {
        /// What was signed in place of the page's URL.
        signed: String,
    },
    /// For something else: another ticket (an old one, or another account's), another nonce or timestamp, another URL.
    Unknown,
}

impl Verdict {
    /// What it means and what to do.
    pub const fn text(&self, language: Language) -> &'static str {
        let (en, zh) = match self {
            Self::Right => (
                "The signature is right for this URL and the current ticket. Then WeChat's objection is another one: the appId in \
                 wx.config belongs to another account; the host is missing among the account's JS接口安全域名; nonceStr or timestamp \
                 differ from what was signed; or the page has changed its URL since (pushState on Android; on iOS the URL by which the \
                 page was entered counts).",
                "对这个 URL 和当前 ticket 来说签名是正确的。那么原因在别处：wx.config 里的 appId 属于另一个账号；域名不在该账号的 JS接口安全域名 \
                 中；nonceStr 或 timestamp 与签名时不同；或页面之后改变了 URL（安卓上的 pushState；iOS 以进入页面时的 URL 为准）。",
            ),
            Self::OtherUrl { .. } => (
                "It was made with the current ticket, but for another form of the URL, shown here. Sign location.href.split('#')[0], \
                 untouched, encoded once on its way here.",
                "它是用当前 ticket 生成的，但签的是 URL 的另一种形式（见此处）。请原样签 location.href.split('#')[0]，传输时只编码一次。",
            ),
            Self::Unknown => (
                "It was not made for this URL with the current ticket: the ticket was an older one (a signature that was cached too long) \
                 or another account's; nonceStr or timestamp are not those that were signed; or the page's URL was quite another one.",
                "它不是用当前 ticket 为这个 URL 生成的：ticket 是旧的（签名缓存过久）或属于另一个账号；nonceStr、timestamp 与签名时不同；或页面的 \
                 URL 完全不同。",
            ),
        };
        language.choose(en, zh)
    }
}

/// What a signature was made for, as far as the current ticket tells. `shown` is the URL as a browser has it in
/// `location.href`, where that is known.
pub fn verdict(ticket: &Value, url: &str, shown: Option<&str>, claim: &Claim) -> Verdict {
    let given = claim.signature.to_ascii_lowercase();
    let made_for = |signed: &str| {
        let page = PageUrl { url: signed, host: "" };
        js_sdk(ticket, &claim.nonce, claim.timestamp, &page) == given
    };
    let own = url.split('#').next().unwrap_or_default();
    if made_for(own) {
        return Verdict::Right;
    }
    let forms = shown.map(str::to_owned).into_iter().chain(other_forms(url, own));
    let signed = forms.into_iter().find(|signed| made_for(signed));
    signed.map_or(Verdict::Unknown, |signed| Verdict::OtherUrl { signed })
}

/// What is signed by mistake in place of `own`, the page's URL without its fragment.
fn other_forms(url: &str, own: &str) -> Vec<String> {
    let decoded = percent_decode_str(own).decode_utf8_lossy().into_owned();
    let encoded = utf8_percent_encode(own, NON_ALPHANUMERIC).to_string();
    // encodeURIComponent leaves these as they are.
    let component =
        ["-", "_", ".", "!", "~", "*", "'", "(", ")"].into_iter().fold(encoded.clone(), |text, mark| {
            text.replace(&format!("%{:02X}", mark.as_bytes().first().copied().unwrap_or_default()), mark)
        });
    let bare = own.split('?').next().unwrap_or_default();
    let origin_end =
        own.find("://").map(|at| at + 3).and_then(|from| Some(from + own.get(from..)?.find(['/', '?'])?));
    let origin = origin_end.and_then(|end| own.get(..end)).unwrap_or(own);
    let swapped = match own.split_once("://") {
        Some(("https", rest)) => format!("http://{rest}"),
        Some((_, rest)) => format!("https://{rest}"),
        None => own.to_owned(),
    };
    let (mut small, mut large) = (String::new(), String::new());
    for (nth, part) in own.split('%').enumerate() {
        let (digits, rest) = part.split_at_checked(2).filter(|_| nth > 0).unwrap_or(("", part));
        let percent = if nth > 0 { "%" } else { "" };
        small.push_str(&format!("{percent}{}{rest}", digits.to_ascii_lowercase()));
        large.push_str(&format!("{percent}{}{rest}", digits.to_ascii_uppercase()));
    }
    let shared =
        |parameter: &&str| parameter.starts_with("from=") || parameter.starts_with("isappinstalled=");
    let unshared = own.split_once('?').map_or_else(String::new, |(path, query)| {
        let kept: Vec<&str> = query.split('&').filter(|parameter| !shared(parameter)).collect();
        if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) }
    });
    vec![
        url.to_owned(),
        small,
        large,
        own.replace('+', "%20"),
        own.replace("%20", "+"),
        own.replace(' ', "%20"),
        unshared,
        decoded,
        encoded,
        component,
        own.replace('&', "&amp;"),
        own.replace("&amp;", "&"),
        bare.to_owned(),
        format!("{own}/"),
        own.trim_end_matches('/').to_owned(),
        origin.to_owned(),
        format!("{origin}/"),
        swapped,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "https://shop.example.com/a?q=%E4%B8%AD&b=2";

    fn ticket() -> Value {
        Value::parse("ticket-of-the-test").unwrap()
    }

    /// The claim of a page whose signature was made for `signed`.
    fn claim(signed: &str) -> Claim {
        let page = PageUrl { url: signed, host: "" };
        let signature = js_sdk(&ticket(), "nonce", 1_800_000_000, &page);
        Claim { signature, nonce: "nonce".to_owned(), timestamp: 1_800_000_000 }
    }

    #[test]
    fn the_right_signature_is_called_right() {
        assert_eq!(verdict(&ticket(), PAGE, None, &claim(PAGE)), Verdict::Right);
        assert_eq!(verdict(&ticket(), &format!("{PAGE}#/route"), None, &claim(PAGE)), Verdict::Right);
    }

    #[test]
    fn the_usual_mistakes_are_recognised() {
        for (page, signed) in [
            (PAGE, "https://shop.example.com/a?q=中&b=2"),
            (PAGE, "https%3A%2F%2Fshop.example.com%2Fa%3Fq%3D%25E4%25B8%25AD%26b%3D2"),
            (PAGE, "https://shop.example.com/a?q=%E4%B8%AD&amp;b=2"),
            (PAGE, "https://shop.example.com/a"),
            (PAGE, "https://shop.example.com/"),
            (PAGE, "http://shop.example.com/a?q=%E4%B8%AD&b=2"),
            ("https://shop.example.com/#/x", "https://shop.example.com/#/x"),
            ("https://shop.example.com/", "https://shop.example.com"),
            (PAGE, "https://shop.example.com/a?q=%e4%b8%ad&b=2"),
            ("https://shop.example.com/a?q=%e4%b8%ad", "https://shop.example.com/a?q=%E4%B8%AD"),
            ("https://shop.example.com/a?q=x+y", "https://shop.example.com/a?q=x%20y"),
            ("https://shop.example.com/a?q=x%20y", "https://shop.example.com/a?q=x+y"),
            (
                "https://shop.example.com/a?id=1&from=timeline&isappinstalled=0",
                "https://shop.example.com/a?id=1",
            ),
        ] {
            let found = verdict(&ticket(), page, None, &claim(signed));
            assert_eq!(found, Verdict::OtherUrl { signed: signed.to_owned() }, "{page}");
        }
    }

    #[test]
    fn the_form_that_a_browser_has_is_one_of_them() {
        let (typed, shown) = ("HTTPS://商店.example.com", "https://xn--czrs0t.example.com/");
        let found = verdict(&ticket(), typed, Some(shown), &claim(shown));
        assert_eq!(found, Verdict::OtherUrl { signed: shown.to_owned() });
    }

    #[test]
    fn anything_else_is_not_guessed_at() {
        let other = Claim { nonce: "other".to_owned(), ..claim(PAGE) };
        assert_eq!(verdict(&ticket(), PAGE, None, &other), Verdict::Unknown);
        assert_eq!(verdict(&Value::parse("older").unwrap(), PAGE, None, &claim(PAGE)), Verdict::Unknown);
    }
}
