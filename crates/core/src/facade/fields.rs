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

/// Why fields cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// The body is no UTF-8.
    Text,
    /// It is `multipart/form-data`.
    Multipart,
    /// It begins like JSON, and is none.
    Json,
    /// Something in the query or the form is no percent-encoded UTF-8.
    Encoding,
    /// This field is there twice, with two values.
    Twice(&'static str),
}

impl Unreadable {
    /// What to tell the caller.
    pub fn text(self) -> String {
        let why = match self {
            Self::Text => "the body is not UTF-8",
            Self::Multipart => {
                "the body is multipart/form-data: send the fields in the query, as a form or as JSON"
            }
            Self::Json => "the body begins like JSON and is none, or has a field twice",
            Self::Encoding => "the query or the form is badly percent-encoded",
            Self::Twice(name) => return format!("data format error: {name} is there twice, with two values"),
        };
        format!("data format error: {why}")
    }
}

impl Fields {
    /// Reads query and body. A body that begins with `{` is JSON, whatever its `Content-Type` says; any
    /// other is a form. A byte order mark is passed over (RFC 8259, 8.1). Fields that are not read here are left alone,
    /// empty ones are absent.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn read(query: &str, body: &[u8]) -> Result<Self, Unreadable> {
        let mut fields = Self::default();
        fields.add_form(query)?;
        let text = core::str::from_utf8(body).map_err(|_| Unreadable::Text)?;
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.starts_with("--") && text.to_ascii_lowercase().contains("content-disposition:") {
            return Err(Unreadable::Multipart);
        }
        if text.starts_with('{') {
            let Members(members) = from_json(text).map_err(|_| Unreadable::Json)?;
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
            self.add(name, decode(value).ok_or(Unreadable::Encoding)?)?;
        }
        Ok(())
    }

    fn add(&mut self, name: &str, value: String) -> Result<(), Unreadable> {
        if value.is_empty() {
            return Ok(());
        }
        match name {
            "grant_type" => once(&mut self.grant_type, "grant_type", value),
            "appid" => once(&mut self.appid, "appid", value),
            "secret" => once(&mut self.secret, "secret", Secret::new(value)),
            "access_token" => once(&mut self.access_token, "access_token", Secret::new(value)),
            "type" => once(&mut self.kind, "type", value),
            "force_refresh" => {
                self.force_refresh |= matches!(value.as_str(), "true" | "True" | "1");
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// Notes the value of a field; the same twice is once.
pub(super) fn once<T: PartialEq>(
    field: &mut Option<T>,
    name: &'static str,
    value: T,
) -> Result<(), Unreadable> {
    if field.as_ref().is_some_and(|before| *before != value) {
        return Err(Unreadable::Twice(name));
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
        let twice = Unreadable::Twice("appid");
        for (query, body, why) in [
            ("appid=%zz", "", Unreadable::Encoding),
            ("appid=a&appid=b", "", twice),
            ("appid=a", "appid=b", twice),
            ("", "{", Unreadable::Json),
            ("", "{\"appid\":}", Unreadable::Json),
            ("", "{\"appid\":\"a\",\"appid\":\"b\"}", Unreadable::Json),
            ("", "{\"appid\":\"a\",\"x\":1,\"\\u0061ppid\":\"a\"}", Unreadable::Json),
            (
                "",
                "--b\r\nContent-Disposition: form-data; name=\"appid\"\r\n\r\nwx1\r\n--b--",
                Unreadable::Multipart,
            ),
        ] {
            assert_eq!(shown(query, body), Err(why), "{query} {body}");
            assert!(why.text().starts_with("data format error: "));
        }
        assert_eq!(Fields::read("", b"\xff\xfe").unwrap_err(), Unreadable::Text);
    }

    #[test]
    fn a_byte_order_mark_is_passed_over() {
        let want = Ok(("client_credential".to_owned(), "wx1".to_owned(), "a".to_owned(), false));
        let json = "\u{feff}{\"grant_type\":\"client_credential\",\"appid\":\"wx1\",\"secret\":\"a\"}";
        assert_eq!(shown("", json), want);
        assert_eq!(shown("", "\u{feff}grant_type=client_credential&appid=wx1&secret=a"), want);
    }
}
