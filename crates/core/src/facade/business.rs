//! The query of a business call: whose token goes along, and everything else as it stands.

use super::fields::{Unreadable, once};
use crate::credential::Value;
use crate::http::query::decode;
use crate::providers::wechat::request::in_query;
use crate::secret::Secret;

/// A query, with what says who is calling taken out of it.
#[derive(Debug, Default)]
pub struct BusinessQuery {
    /// `access_token`: real, virtual, or a caller's key.
    pub access_token: Option<Secret>,
    /// `appid`, taken out for `/sns/` only.
    pub appid: Option<String>,
    /// `secret`, taken out for `/sns/` only: here the caller's key.
    pub secret: Option<Secret>,
    /// Whether the code is there that a user signs in with.
    pub has_code: bool,
    /// The kind of account that such a call is for, where the centre serves none of that kind.
    pub not_served: Option<&'static str>,
    /// Whether a name is written with escapes.
    is_odd: bool,
    rest: String,
}

impl BusinessQuery {
    /// Reads the query of a call of `path`. What is read here and is empty is absent; the same twice is once.
    ///
    /// # Errors
    /// [`Unreadable`] when a parameter that is read here is badly encoded, or there with two values.
    pub fn read(path: &str, query: &str) -> Result<Self, Unreadable> {
        let mut read = Self::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decoded = || decode(value).ok_or(Unreadable::Encoding);
            // WeChat decodes names as well as values.
            match decode(name).ok_or(Unreadable::Encoding)?.as_str() {
                // The same twice is once, but for a name that is written in two ways: a reader might see one of them.
                "access_token" if read.access_token.is_some() && (read.is_odd || name != "access_token") => {
                    return Err(Unreadable::Twice("access_token"));
                }
                "access_token" => {
                    read.is_odd |= name != "access_token";
                    note(&mut read.access_token, "access_token", decoded()?, Secret::new)?;
                }
                "secret" if takes_a_secret(path) => {
                    note(&mut read.secret, "secret", decoded()?, Secret::new)?;
                }
                "appid" if takes_a_secret(path) => note(&mut read.appid, "appid", decoded()?, |appid| appid)?,
                name => {
                    read.has_code |= !value.is_empty() && matches!(name, "code" | "js_code");
                    read.not_served = read.not_served.or_else(|| of_another_kind(name));
                    if !read.rest.is_empty() {
                        read.rest.push('&');
                    }
                    read.rest.push_str(pair);
                }
            }
        }
        Ok(read)
    }

    /// What goes on to WeChat as it stands.
    pub fn rest(&self) -> &str {
        &self.rest
    }

    /// Path and query for WeChat, with the real token.
    pub fn with_token(&self, path: &str, token: &Value) -> String {
        self.with(path, "access_token", token.expose())
    }

    /// Path and query for WeChat, with appid and AppSecret. For paths where [`takes_a_secret`] holds.
    pub fn with_secret(&self, path: &str, appid: &str, secret: &Secret) -> String {
        let appid = in_query(appid);
        format!("{}&appid={appid}", self.with(path, "secret", secret.expose()))
    }

    fn with(&self, path: &str, name: &str, value: &str) -> String {
        let join = if self.rest.is_empty() { "" } else { "&" };
        format!("{path}?{}{join}{name}={}", self.rest, in_query(value))
    }
}

fn note<T: PartialEq>(
    field: &mut Option<T>,
    name: &'static str,
    value: String,
    read: impl Fn(String) -> T,
) -> Result<(), Unreadable> {
    if value.is_empty() { Ok(()) } else { once(field, name, read(value)) }
}

/// The kind of account whose credentials a parameter of this name brings: other than those that are served here.
fn of_another_kind(name: &str) -> Option<&'static str> {
    match name {
        "component_access_token" | "component_appid" | "authorizer_access_token" => {
            Some("第三方平台 (open platform)")
        }
        "corpid" | "corpsecret" | "suite_access_token" | "provider_access_token" => Some("企业微信 (WeCom)"),
        _ => None,
    }
}

/// Whether a path takes appid and AppSecret in place of a token: signing users in.
pub fn takes_a_secret(path: &str) -> bool {
    matches!(path, "/sns/jscode2session" | "/sns/oauth2/access_token")
}

/// Whether a path takes the token of a user, which is none of ours: all other paths where users sign in.
pub fn is_for_users(path: &str) -> bool {
    path.get(..5).is_some_and(|first| first.eq_ignore_ascii_case("/sns/")) && !takes_a_secret(path)
}

/// Whether the documented answer of a path quotes requests, with the tokens in their URLs: `rid/get` gives back
/// `request_url`. It is for callers who may read the token.
pub fn quotes_requests(path: &str) -> bool {
    path.eq_ignore_ascii_case("/cgi-bin/openapi/rid/get")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEND: &str = "/cgi-bin/message/custom/send";

    fn token(text: &str) -> Value {
        Value::parse(text).unwrap()
    }

    #[test]
    fn the_token_is_exchanged_and_the_rest_stands() {
        let query = BusinessQuery::read(SEND, "access_token=0_vir%2Dtual&openid=o%20x&lang=zh_CN&x").unwrap();
        assert_eq!(query.access_token.as_ref().unwrap().expose(), "0_vir-tual");
        assert_eq!(
            query.with_token(SEND, &token("87_a-b")),
            format!("{SEND}?openid=o%20x&lang=zh_CN&x&access_token=87_a-b")
        );
        let query = BusinessQuery::read(SEND, "").unwrap();
        assert!(query.access_token.is_none());
        assert_eq!(query.with_token(SEND, &token("a")), format!("{SEND}?access_token=a"));
    }

    #[test]
    fn a_secret_is_exchanged_where_wechat_wants_one_and_nowhere_else() {
        let path = "/sns/jscode2session";
        let query = BusinessQuery::read(path, "appid=wx1&secret=key&js_code=c").unwrap();
        assert_eq!((query.appid.as_deref(), query.secret.as_ref().unwrap().expose()), (Some("wx1"), "key"));
        let sent = query.with_secret(path, "wx1", &Secret::new("app-secret".to_owned()));
        assert_eq!(sent, "/sns/jscode2session?js_code=c&secret=app-secret&appid=wx1");
        assert!(query.has_code);
        assert!(BusinessQuery::read(path, "appid=wx1&appid=wx2&secret=key").is_err());
        assert!(BusinessQuery::read(SEND, "appid=wx1&secret=key").unwrap().secret.is_none());
    }

    #[test]
    fn the_path_that_quotes_requests_is_known_in_either_case() {
        assert!(quotes_requests("/cgi-bin/openapi/rid/get") && quotes_requests("/cgi-bin/openapi/RID/Get"));
        assert!(!quotes_requests("/cgi-bin/openapi/quota/get"));
    }

    #[test]
    fn two_tokens_are_none_and_the_same_twice_is_one() {
        for query in ["access_token=a&access_token=b", "access_token=%zz", "%zz=a"] {
            assert!(BusinessQuery::read(SEND, query).is_err(), "{query}");
        }
        assert!(BusinessQuery::read(SEND, "access_token=a-b&x=1&access%5Ftoken=a-b").is_err());
        assert!(BusinessQuery::read(SEND, "access%5Ftoken=a-b&x=1&access_token=a-b").is_err());
        let query = BusinessQuery::read(SEND, "access_token=a-b&x=1&access_token=a%2Db").unwrap();
        assert_eq!(query.with_token(SEND, &token("r")), format!("{SEND}?x=1&access_token=r"));
    }

    #[test]
    fn empty_is_absent() {
        for query in ["access_token=&openid=o1", "access_token&openid=o1", "openid=o1"] {
            let query = BusinessQuery::read(SEND, query).unwrap();
            assert!(query.access_token.is_none(), "an empty token is none");
            assert_eq!(query.rest(), "openid=o1");
        }
        let query = BusinessQuery::read("/sns/jscode2session", "appid=&secret=&js_code=").unwrap();
        assert!(query.appid.is_none() && query.secret.is_none() && !query.has_code);
    }

    #[test]
    fn credentials_of_other_kinds_are_known() {
        for (query, kind) in
            [("component_access_token=c", "第三方平台"), ("corpid=ww1&corpsecret=s", "企业微信")]
        {
            assert!(BusinessQuery::read(SEND, query).unwrap().not_served.unwrap().starts_with(kind));
        }
        assert!(BusinessQuery::read(SEND, "access_token=a&openid=o").unwrap().not_served.is_none());
    }
}
