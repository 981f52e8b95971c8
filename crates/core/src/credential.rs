//! What rotates: the `access_token` of an app and its tickets, their values and versions.

use crate::digest::Sha256Digest;
use crate::secret::Secret;
use core::cell::OnceCell;
use core::fmt;
use serde::{Deserialize, Serialize};

/// The kinds of ticket that `/cgi-bin/ticket/getticket` gives out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TicketType {
    /// Signs pages for the JS-SDK (`type=jsapi`).
    Jsapi,
    /// Signs cards and coupons (`type=wx_card`).
    WxCard,
    /// Scan-login inside mobile apps (`type=2` at WeChat).
    Sdk,
}

impl TicketType {
    /// The value of WeChat's `type` parameter. The `sdk` ticket is asked for by the digit 2.
    pub const fn wechat_type(self) -> &'static str {
        match self {
            Self::Jsapi => "jsapi",
            Self::WxCard => "wx_card",
            Self::Sdk => "2",
        }
    }

    /// Reads our own name of the type, as in paths and in the configuration.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "jsapi" => Some(Self::Jsapi),
            "wx_card" => Some(Self::WxCard),
            "sdk" => Some(Self::Sdk),
            _ => None,
        }
    }
}

/// One thing that rotates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Credential {
    /// The app's `access_token`.
    AccessToken,
    /// One of the app's tickets.
    Ticket(TicketType),
}

impl Credential {
    /// The name in storage keys, paths, logs and metrics. Never change one: stored data uses it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AccessToken => "access_token",
            Self::Ticket(TicketType::Jsapi) => "jsapi",
            Self::Ticket(TicketType::WxCard) => "wx_card",
            Self::Ticket(TicketType::Sdk) => "sdk",
        }
    }

    /// The inverse of [`Credential::name`].
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "access_token" => Some(Self::AccessToken),
            other => TicketType::parse(other).map(Self::Ticket),
        }
    }
}

impl fmt::Display for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl TryFrom<String> for Credential {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Self::parse(&name).ok_or("no such credential")
    }
}

impl From<Credential> for String {
    fn from(credential: Credential) -> Self {
        credential.name().to_owned()
    }
}

/// The value of a credential: 1 to 4096 visible ASCII characters.
///
/// WeChat asks for room for 512 characters; seen in the wild are 136 to 157. Longer ones are kept
/// whole up to a bound that no honest reply reaches.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Value {
    text: Secret,
    /// Once it was asked for.
    digest: OnceCell<Sha256Digest>,
}

/// The longest value that is believed to be one.
pub const MAX_VALUE_CHARS: usize = 4096;

impl Value {
    /// Reads a value; `None` when it is empty, too long, or holds anything but visible ASCII.
    pub fn parse(text: &str) -> Option<Self> {
        let sound = (1..=MAX_VALUE_CHARS).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        sound.then(|| Self { text: Secret::new(text.to_owned()), digest: OnceCell::new() })
    }

    /// The value itself, for the caller who may have it or for WeChat.
    pub fn expose(&self) -> &str {
        self.text.expose()
    }

    /// Its SHA-256 digest, which stale reports may carry in its place. Worked out once.
    pub fn digest(&self) -> Sha256Digest {
        *self.digest.get_or_init(|| Sha256Digest::of(self.expose()))
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Value {}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Value(redacted)")
    }
}

impl TryFrom<String> for Value {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not the value of a credential")
    }
}

impl From<Value> for String {
    fn from(value: Value) -> Self {
        value.expose().to_owned()
    }
}

/// Counts the rotations of one credential; only grows, also over a loss of the value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(u64);

impl Version {
    /// No value was held yet.
    pub const NONE: Self = Self(0);

    /// The version with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number, as in API answers.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The version of the next rotation.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_an_inverse_pair() {
        let all = [
            Credential::AccessToken,
            Credential::Ticket(TicketType::Jsapi),
            Credential::Ticket(TicketType::WxCard),
            Credential::Ticket(TicketType::Sdk),
        ];
        for credential in all {
            assert_eq!(Credential::parse(credential.name()), Some(credential));
        }
        assert_eq!(Credential::parse("2"), None);
    }

    #[test]
    fn values_are_kept_whole_or_refused() {
        for length in [1, 136, 512, 513, 4096] {
            let text = "a".repeat(length);
            assert_eq!(Value::parse(&text).unwrap().expose(), text);
        }
        for bad in ["", " ", "a b", "a\n", "中", &"a".repeat(4097)] {
            assert!(Value::parse(bad).is_none(), "{bad:?}");
        }
        assert_eq!(format!("{:?}", Value::parse("canary").unwrap()), "Value(redacted)");
    }
}
