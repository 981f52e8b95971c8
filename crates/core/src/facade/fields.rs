//! The fields of a request for a credential, from wherever an SDK has put them: query, form or JSON.

use crate::encoding::{Members, from_json};
use crate::http::query::decode;
use crate::secret::Secret;
use serde_json::Value as Json;

/// What WeChat's token and ticket endpoints read.
#[derive(Debug, Default)]
pub struct Fields {
    /// `grant_type`.
    pub grant_type: Option<String>,
    /// `appid`.
    pub appid: Option<String>,
    /// `secret`: here the caller's key.
    pub secret: Option<Secret>,
    /// `force_refresh`.
    pub force_refresh: bool,
    /// `access_token`, for tickets.
    pub access_token: Option<Secret>,
    /// `type`, for tickets.
    pub kind: Option<String>,
}

/// Fields cannot be read: neither form nor JSON, badly encoded, or one of them twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

impl Fields {
    /// Reads query and body. A body that begins with `{` is JSON, whatever its `Content-Type` says; any
    /// other is a form. Fields that are not read here are left alone, empty ones are absent.
    ///
    /// # Errors
    /// [`Unreadable`], also when a field is there twice with two values.
    pub fn read(query: &str, body: &[u8]) -> Result<Self, Unreadable> {
        let mut fields = Self::default();
        fields.add_form(query)?;
        let text = core::str::from_utf8(body).map_err(|_| Unreadable)?.trim();
        if text.starts_with('{') {
            let Members(members) = from_json(text).map_err(|_| Unreadable)?;
            for (name, value) in members {
                match value {
                    Json::String(text) => fields.add(&name, text)?,
                    Json::Bool(_) | Json::Number(_) => fields.add(&name, value.to_string())?,
                    Json::Null | Json::Array(_) | Json::Object(_) => {}
                }
            }
        } else {
            fields.add_form(text)?;
        }
        Ok(fields)
    }

    fn add_form(&mut self, form: &str) -> Result<(), Unreadable> {
        for pair in form.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            self.add(name, decode(value).ok_or(Unreadable)?)?;
        }
        Ok(())
    }

    fn add(&mut self, name: &str, value: String) -> Result<(), Unreadable> {
        if value.is_empty() {
            return Ok(());
        }
        match name {
            "grant_type" => once(&mut self.grant_type, value),
            "appid" => once(&mut self.appid, value),
            "secret" => once(&mut self.secret, Secret::new(value)),
            "access_token" => once(&mut self.access_token, Secret::new(value)),
            "type" => once(&mut self.kind, value),
            "force_refresh" => {
                self.force_refresh |= matches!(value.as_str(), "true" | "True" | "1");
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

fn once<T: PartialEq>(field: &mut Option<T>, value: T) -> Result<(), Unreadable> {
    if field.as_ref().is_some_and(|before| *before != value) {
        return Err(Unreadable);
    }
    *field = Some(value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(query: &str, body: &str) -> Result<(String, String, String, bool), Unreadable> {
        let fields = Fields::read(query, body.as_bytes())?;
        let secret = fields.secret.map(|secret| secret.expose().to_owned()).unwrap_or_default();
        Ok((
            fields.grant_type.unwrap_or_default(),
            fields.appid.unwrap_or_default(),
            secret,
            fields.force_refresh,
        ))
    }

    #[test]
    fn query_form_and_json_say_the_same() {
        let form = "grant_type=client_credential&appid=wx1&secret=a%2Db";
        let want = Ok(("client_credential".to_owned(), "wx1".to_owned(), "a-b".to_owned(), false));
        assert_eq!(shown(form, ""), want);
        assert_eq!(shown("", form), want);
        assert_eq!(shown("grant_type=client_credential", "appid=wx1&secret=a-b"), want);
        assert_eq!(
            shown(
                "",
                " {\"grant_type\":\"client_credential\",\"appid\":\"wx1\",\"secret\":\"a-b\",\"x\":[1]}"
            ),
            want
        );
        assert_eq!(shown(form, form), want, "twice the same is once");
    }

    #[test]
    fn force_refresh_in_every_spelling() {
        for body in [
            "{\"force_refresh\":true}",
            "{\"force_refresh\":\"true\"}",
            "{\"force_refresh\":1}",
            "force_refresh=true",
            "force_refresh=True",
        ] {
            assert!(shown("", body).unwrap().3, "{body}");
        }
        for body in ["{\"force_refresh\":false}", "force_refresh=false", "force_refresh=", "{}", ""] {
            assert!(!shown("", body).unwrap().3, "{body}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_said_to_be_so() {
        for (query, body) in [
            ("appid=%zz", ""),
            ("appid=a&appid=b", ""),
            ("appid=a", "appid=b"),
            ("", "{"),
            ("", "{\"appid\":}"),
            ("", "{\"appid\":\"a\",\"appid\":\"b\"}"),
            ("", "{\"appid\":\"a\",\"x\":1,\"\\u0061ppid\":\"a\"}"),
        ] {
            assert_eq!(shown(query, body), Err(Unreadable), "{query} {body}");
        }
        assert!(Fields::read("", b"\xff\xfe").is_err());
    }
}
