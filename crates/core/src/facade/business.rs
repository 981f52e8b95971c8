//! The query of a business call: whose token goes along, and everything else as it stands.

use super::Unreadable;
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
    rest: String,
}

impl BusinessQuery {
    /// Reads the query of a call of `path`.
    ///
    /// # Errors
    /// [`Unreadable`] when a parameter that is read here is badly encoded, or there twice.
    pub fn read(path: &str, query: &str) -> Result<Self, Unreadable> {
        let mut read = Self::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            // WeChat decodes names as well as values.
            match decode(name).ok_or(Unreadable)?.as_str() {
                "access_token" => once(&mut read.access_token, value)?,
                "secret" if takes_a_secret(path) => once(&mut read.secret, value)?,
                "appid" if takes_a_secret(path) => {
                    let appid = decode(value).ok_or(Unreadable)?;
                    if read.appid.replace(appid).is_some() {
                        return Err(Unreadable);
                    }
                }
                _ => {
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

fn once(field: &mut Option<Secret>, value: &str) -> Result<(), Unreadable> {
    let value = decode(value).ok_or(Unreadable)?;
    if field.replace(Secret::new(value)).is_some() { Err(Unreadable) } else { Ok(()) }
}

/// Whether a path takes appid and AppSecret in place of a token: signing users in.
pub fn takes_a_secret(path: &str) -> bool {
    matches!(path, "/sns/jscode2session" | "/sns/oauth2/access_token")
}

/// Whether a path takes the token of a user, which is none of ours: all other paths where users sign in.
pub fn is_for_users(path: &str) -> bool {
    path.starts_with("/sns/") && !takes_a_secret(path)
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
            format!("{SEND}?openid=o%20x&lang=zh_CN&x&access_token=87%5Fa%2Db")
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
        assert_eq!(sent, "/sns/jscode2session?js_code=c&secret=app%2Dsecret&appid=wx1");
        assert!(BusinessQuery::read(path, "appid=wx1&appid=wx2&secret=key").is_err());
        assert!(BusinessQuery::read(SEND, "appid=wx1&secret=key").unwrap().secret.is_none());
    }

    #[test]
    fn the_path_that_quotes_requests_is_known_in_either_case() {
        assert!(quotes_requests("/cgi-bin/openapi/rid/get") && quotes_requests("/cgi-bin/openapi/RID/Get"));
        assert!(!quotes_requests("/cgi-bin/openapi/quota/get"));
    }

    #[test]
    fn two_tokens_are_none() {
        for query in
            ["access_token=a&access_token=b", "access_token=a&access_token=a", "access_token=%zz", "%zz=a"]
        {
            assert!(BusinessQuery::read(SEND, query).is_err(), "{query}");
        }
    }
}
