//! What a request to the centre says, read from its texts before anything else is done: which surface its
//! path names, its query parameters, its key.
//!
//! In scope: bounds and forms, admission, and the fast path, which answers from memory.
//! Out of scope: I/O, and everything that needs some.

pub mod admit;
pub mod bodies;
pub mod fast;
pub mod head;
pub mod parameters;
pub mod query;
pub mod route;

/// A longer URL is refused unread, in bytes.
pub const MAX_URL_BYTES: usize = 12 * 1024;

/// A longer `Authorization` holds no key of ours, in bytes.
const MAX_AUTHORIZATION_BYTES: usize = 1024;

/// Whether a route takes no key.
const fn is_public(route: &route::Route<'_>) -> bool {
    matches!(route, route::Route::Health | route::Route::Script | route::Route::OpenApi)
}

/// The path of a URL as it came, nothing decoded: `/v1/apps` of `https://host/v1/apps?after=shop`. A request's URL has one always.
pub fn path(url: &str) -> &str {
    // Behind `https://` and the host.
    let from = url.bytes().enumerate().filter(|(_, byte)| *byte == b'/').nth(2);
    let path = from.and_then(|(at, _)| url.get(at..)).unwrap_or("/");
    let end = path.bytes().position(|byte| matches!(byte, b'?' | b'#'));
    end.and_then(|end| path.get(..end)).unwrap_or(path)
}

/// The host of a URL without its port: `token.example.com` of `https://token.example.com:8443/v1/apps`.
pub fn host(url: &str) -> &str {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
    // Of an IPv6 address the brackets are part of the host.
    authority
        .rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()))
        .map_or(authority, |(host, _)| host)
}

/// What stands behind the `?` of a URL, without a fragment; `None` where there is none.
pub fn query(url: &str) -> Option<&str> {
    let (_, query) = url.split('#').next()?.split_once('?')?;
    Some(query)
}

/// The key in an `Authorization` header: `Bearer KEY`, the scheme in any case. Empty where there is none.
pub fn bearer(authorization: &str) -> &str {
    let authorization = if authorization.len() > MAX_AUTHORIZATION_BYTES { "" } else { authorization };
    authorization
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, key)| key.trim())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_read_as_it_came() {
        let read = |url| (path(url), query(url));
        assert_eq!(read("https://host/v1/apps"), ("/v1/apps", None));
        assert_eq!(read("http://127.0.0.1:8787/v1/apps?after=a/b?c"), ("/v1/apps", Some("after=a/b?c")));
        assert_eq!(read("https://host/?"), ("/", Some("")));
        assert_eq!(read("https://host//cgi-bin//token?a=1#b?c"), ("//cgi-bin//token", Some("a=1")));
        assert_eq!(read("https://host/a%2Fb/../c#d?e"), ("/a%2Fb/../c", None));
        for odd in ["", "https://host", "nonsense"] {
            assert_eq!(read(odd), ("/", None), "{odd}");
        }
    }

    #[test]
    fn keys_are_found_behind_their_scheme_only() {
        for header in ["Bearer key", "bearer key", "BEARER  key "] {
            assert_eq!(bearer(header), "key", "{header}");
        }
        for header in
            ["", "key", "Basic key", "Bearer", "Bearer\tkey", &format!("Bearer {}", "k".repeat(2000))]
        {
            assert_eq!(bearer(header), "", "{header}");
        }
    }
}
