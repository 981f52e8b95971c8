//! JSON by `serde_json`, without the texts of its errors: they quote what could not be read, which may be a
//! token or an opened secret.

use core::fmt;
use serde::de::{DeserializeOwned, Deserializer, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// This is no JSON, or not of the form that was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this JSON is not of the form that was expected")
    }
}

impl core::error::Error for Unreadable {}

/// Reads JSON that we have written ourselves.
///
/// # Errors
/// [`Unreadable`].
pub fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, Unreadable> {
    serde_json::from_str(text).map_err(|_| Unreadable)
}

/// Writes JSON. The types of this crate have a text each: their maps have texts for keys.
///
/// # Errors
/// [`Unreadable`] for a type that has none.
pub fn to_json(value: &impl Serialize) -> Result<String, Unreadable> {
    serde_json::to_string(value).map_err(|_| Unreadable)
}

/// Reads the JSON object of a request's body into a struct, which has to deny unknown fields. A field that is
/// given twice is refused: another reader might take the other one.
///
/// # Errors
/// [`Unreadable`], also for a list: serde would take it for the fields in their order.
pub fn object_from_request<T: DeserializeOwned>(body: &[u8]) -> Result<T, Unreadable> {
    let text = core::str::from_utf8(body).map_err(|_| Unreadable)?;
    // A byte order mark is passed over (RFC 8259, 8.1).
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_ascii_start().starts_with('{') { from_json(text) } else { Err(Unreadable) }
}

/// The members of a JSON object, in their order; no name stands twice.
#[derive(Debug)]
pub(crate) struct Members(pub(crate) Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Members, A::Error> {
        let mut members: Vec<(String, Value)> = Vec::new();
        while let Some((name, value)) = from.next_entry::<String, Value>()? {
            if members.iter().any(|(known, _)| *known == name) {
                return Err(A::Error::custom("a field is given twice"));
            }
            members.push((name, value));
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        stale: String,
        other: Option<u64>,
    }

    #[test]
    fn a_body_is_an_object_whose_fields_are_known_and_stand_once() {
        let read = |text: &str| object_from_request::<Body>(text.as_bytes());
        assert_eq!(read(" {\"stale\":\"x\"}\n"), Ok(Body { stale: "x".to_owned(), other: None }));
        for wrong in [
            "",
            "null",
            "[\"x\",7]",
            "\"x\"",
            "{\"stale\":\"x\",\"stale\":\"x\"}",
            "{\"stale\":\"x\",\"\\u0073tale\":\"y\"}",
            "{\"stale\":\"x\",\"more\":1}",
            "{\"stale\":1}",
            "{\"stale\":\"x\"}{}",
            "{\"stale\":\"x\"",
        ] {
            assert_eq!(read(wrong), Err(Unreadable), "{wrong}");
        }
        assert_eq!(object_from_request::<Body>(b"{\"stale\":\"\xff\"}"), Err(Unreadable));
    }

    #[test]
    fn an_error_quotes_nothing() {
        let error = from_json::<u64>("\"canary-secret\"").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"));
        assert_eq!(to_json(&[1]), Ok("[1]".to_owned()));
    }
}
