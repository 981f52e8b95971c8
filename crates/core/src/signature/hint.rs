//! What is odd about the URL of a page, compared with the `location.href` that a browser has for it.

use crate::language::Language;
use serde::Serialize;

/// Something about a URL, or about a claim, that a person should know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Hint {
    /// It has a fragment.
    Fragment,
    /// It is percent-encoded as a whole.
    EncodedWhole,
    /// It holds `&amp;`.
    HtmlEntities,
    /// It holds characters outside ASCII, behind the host.
    NotAscii,
    /// Its host is in another script.
    HostNotAscii,
    /// Nothing follows the host.
    NoSlash,
    /// It names the port that a browser leaves out.
    DefaultPort,
    /// Its scheme or host has capitals.
    Capitals,
    /// Its host ends in a dot.
    TrailingDot,
    /// It holds blanks, or `+` for them.
    Blanks,
    /// It holds escapes in small letters, or such as no browser writes.
    Escapes,
    /// It holds parameters that WeChat adds to a shared page.
    Shared,
    /// It can be read as the URL of another page, which may not be signed.
    Ambiguous,
    /// A timestamp in milliseconds.
    Milliseconds,
}

impl Hint {
    /// What it means.
    pub const fn text(self, language: Language) -> &'static str {
        let (en, zh) = match self {
            Self::Fragment => (
                "What follows the # is not signed; WeChat leaves it out as well.",
                "# 及其后的内容不参与签名，微信也会忽略它。",
            ),
            Self::EncodedWhole => (
                "The URL is percent-encoded as a whole: it was encoded twice on its way here, or decoded nowhere. Encode it \
                 once, with encodeURIComponent.",
                "整个 URL 被百分号编码了：传输中编码了两次，或没有解码。只用 encodeURIComponent 编码一次。",
            ),
            Self::HtmlEntities => (
                "It holds &amp;: a template has escaped the URL. The page's own URL has a plain &.",
                "含有 &amp;：模板把 URL 转义了。页面自己的 URL 里是普通的 &。",
            ),
            Self::NotAscii => (
                "It holds characters that location.href shows percent-encoded. Sign exactly what location.href says.",
                "含有非 ASCII 字符，而 location.href 里它们是百分号编码的。请原样使用 location.href。",
            ),
            Self::HostNotAscii => (
                "location.href has a host in another script in punycode (xn--…), and so has the signed string.",
                "location.href 里的非 ASCII 域名是 punycode（xn--…），签名用的也是它。",
            ),
            Self::NoSlash => (
                "A browser's location.href has a slash behind the host: https://host/.",
                "浏览器的 location.href 在域名后有斜杠：https://host/。",
            ),
            Self::DefaultPort => {
                ("A browser leaves this port out of location.href.", "浏览器的 location.href 不带默认端口。")
            }
            Self::Capitals => {
                ("A browser writes scheme and host in small letters.", "浏览器会把协议和域名写成小写。")
            }
            Self::TrailingDot => (
                "Its host ends in a dot. To WeChat that is another host: open the page without it.",
                "域名以点结尾，微信视为另一个域名：请用不带点的地址打开页面。",
            ),
            Self::Blanks => (
                "It holds a blank or a +. location.href has a blank as %20 and keeps a + as it is; servers that rebuild a URL \
                 swap them.",
                "含有空格或 +。location.href 里空格是 %20，+ 原样保留；服务端重新拼接 URL 时常会互换。",
            ),
            Self::Escapes => (
                "It holds escapes in small letters (%e4), or of characters that need none. location.href keeps them as the link \
                 had them; servers that decode and encode again write them otherwise.",
                "含有小写的转义（%e4），或不必转义的字符。location.href 原样保留链接里的写法；服务端解码再编码后写法会变。",
            ),
            Self::Shared => (
                "WeChat adds from=… and isappinstalled=… when a page is shared: sign the URL that the page has then, and cache no \
                 signature by page.",
                "页面被分享后微信会附加 from=…、isappinstalled=… 参数：要对页面当时的 URL 签名，不要按页面缓存签名。",
            ),
            Self::Ambiguous => (
                "It holds &url= with the plain address of a page that may not be signed: the same signature would be good for \
                 that page. Encode the inner address with encodeURIComponent.",
                "它含有 &url= 和另一个不允许签名的页面的明文地址：同一个签名对那个页面也有效。请用 encodeURIComponent 编码里面的地址。",
            ),
            Self::Milliseconds => {
                ("The timestamp is in milliseconds. WeChat wants seconds.", "timestamp 是毫秒，微信要求秒。")
            }
        };
        language.choose(en, zh)
    }
}

/// What there is to say about a URL as it was sent.
pub fn hints(url: &str) -> Vec<Hint> {
    let lower = url.to_ascii_lowercase();
    let rest = lower.split_once("://").map_or("", |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let typed_host =
        url.split_once("://").map_or("", |(_, rest)| rest).get(..authority.len()).unwrap_or_default();
    let default_port = if lower.starts_with("https:") { ":443" } else { ":80" };
    let shared = ["from=singlemessage", "from=groupmessage", "from=timeline", "isappinstalled="];
    [
        (Hint::Fragment, url.contains('#')),
        (Hint::EncodedWhole, lower.starts_with("http%3a") || lower.starts_with("https%3a")),
        (Hint::HtmlEntities, url.contains("&amp;")),
        (Hint::NotAscii, !url.is_ascii() && authority.is_ascii()),
        (Hint::HostNotAscii, !authority.is_ascii()),
        (
            Hint::NoSlash,
            !authority.is_empty() && !rest.get(authority.len()..).is_some_and(|path| path.starts_with('/')),
        ),
        (Hint::DefaultPort, authority.ends_with(default_port)),
        (Hint::Capitals, typed_host != authority || url.get(..4) != lower.get(..4)),
        (Hint::TrailingDot, authority.split(':').next().is_some_and(|host| host.ends_with('.'))),
        (Hint::Blanks, url.contains([' ', '+'])),
        (Hint::Escapes, has_odd_escapes(url) && !lower.starts_with("http%") && !lower.starts_with("https%")),
        (Hint::Shared, shared.iter().any(|parameter| url.contains(parameter))),
    ]
    .into_iter()
    .filter_map(|(hint, applies)| applies.then_some(hint))
    .collect()
}

/// Whether a URL has escapes in small letters, or of letters, digits and `-._~`.
fn has_odd_escapes(url: &str) -> bool {
    url.split('%').skip(1).any(|rest| {
        let Some(digits) = rest.get(..2).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
        else {
            return false;
        };
        let needless = u8::from_str_radix(digits, 16)
            .is_ok_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~'));
        needless || digits.bytes().any(|b| b.is_ascii_lowercase())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "https://shop.example.com/a?q=%E4%B8%AD&b=2";

    #[test]
    fn what_is_odd_about_a_url() {
        use Hint::{
            Blanks, Capitals, DefaultPort, EncodedWhole, Escapes, Fragment, HostNotAscii, HtmlEntities,
            NoSlash, NotAscii, Shared, TrailingDot,
        };
        for (url, found) in [
            (PAGE, &[][..]),
            ("https://shop.example.com/#/a", &[Fragment]),
            ("https%3A%2F%2Fshop.example.com%2F", &[EncodedWhole]),
            ("https://shop.example.com/?a=1&amp;b=2", &[HtmlEntities]),
            ("https://shop.example.com/中", &[NotAscii]),
            ("https://shop.example.com", &[NoSlash]),
            ("https://shop.example.com?x=1", &[NoSlash]),
            ("https://shop.example.com:443/", &[DefaultPort]),
            ("https://Shop.example.com/", &[Capitals]),
            ("HTTPS://shop.example.com/", &[Capitals]),
            ("https://商店.shop.example.com/", &[HostNotAscii]),
            ("https://shop.example.com./", &[TrailingDot]),
            ("https://shop.example.com/?q=a+b", &[Blanks]),
            ("https://shop.example.com/?q=%e4", &[Escapes]),
            ("https://shop.example.com/%7Eme", &[Escapes]),
            ("https://shop.example.com/?from=singlemessage&isappinstalled=0", &[Shared]),
            ("", &[]),
        ] {
            assert_eq!(hints(url), found, "{url}");
        }
    }
}
