//! An app: one WeChat account under a short name of ours, already checked.

use crate::credential::{Credential, TicketType};
use crate::digest::Sha256Digest;
use crate::secret::Secret;
use crate::signature::HostPattern;
use core::borrow::Borrow;
use core::fmt;
use serde::{Deserialize, Serialize};

/// The short name of an app in paths and settings: 1 to 32 of `a-z`, `0-9`, `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AppName(String);

impl AppName {
    /// Reads a name; `None` when it is not of the form above.
    pub fn parse(name: &str) -> Option<Self> {
        is_short_name(name).then(|| Self(name.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the secret that holds the AppSecret: `APP_SECRET_` and the name in capitals.
    pub fn secret_setting(&self) -> String {
        format!("APP_SECRET_{}", setting_case(&self.0))
    }
}

// A map by name is searched with whatever a path says.
impl Borrow<str> for AppName {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for AppName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for AppName {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Self::parse(&name).ok_or("an app's name is 1 to 32 of a-z, 0-9, -")
    }
}

impl From<AppName> for String {
    fn from(name: AppName) -> Self {
        name.0
    }
}

/// The form that names of apps and callers share: 1 to 32 of `a-z`, `0-9`, `-`.
pub fn is_short_name(name: &str) -> bool {
    (1..=32).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// How a short name is written inside the name of a setting: capitals, `-` becomes `_`.
pub fn setting_case(name: &str) -> String {
    name.to_ascii_uppercase().replace('-', "_")
}

/// What kind of account it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// 公众号 / 服务号.
    Official,
    /// 小程序 / 小游戏.
    Mini,
}

impl Platform {
    /// The name in the configuration and in the status.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Official => "official",
            Self::Mini => "mini",
        }
    }
}

/// Which of WeChat's two token endpoints the app uses. Never both: their tokens are isolated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenApi {
    /// `POST /cgi-bin/stable_token`: asking again returns the same token.
    Stable,
    /// `GET /cgi-bin/token`: every call makes a new token and puts the old one on a 300 s fuse.
    Plain {
        /// How many seconds ahead of expiry it is refreshed; 200 at least.
        lead_s: u64,
        /// How many calls a day the account has: 2000, a test account 200 (API_Call_Limits).
        daily_limit: u32,
    },
}

impl TokenApi {
    /// The name in the configuration and in the status.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Plain { .. } => "plain",
        }
    }
}

/// What a real token opens that is shown at the façade. It does not say who shows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RealToken {
    /// What every caller who may hold it from there may do: from its own address, showing it opens nothing more.
    #[default]
    All,
    /// What any of them may do.
    Any,
    /// Nothing.
    None,
}

/// One configured account. Every field has been checked.
#[derive(Clone, Debug)]
pub struct App {
    /// Our short name.
    pub name: AppName,
    /// WeChat's id of the account.
    pub appid: String,
    /// The AppSecret.
    pub secret: Secret,
    /// Kind of account.
    pub platform: Platform,
    /// Which token endpoint it uses.
    pub token_api: TokenApi,
    /// The tickets that are kept warm.
    pub tickets: Vec<TicketType>,
    /// Origins of the API, tried in this order; without a trailing slash.
    pub api_hosts: Vec<String>,
    /// Hosts whose pages may be signed; none means that nothing is signed.
    pub sign_hosts: Vec<HostPattern>,
    /// What a real token that is shown opens.
    pub real_token: RealToken,
}

impl App {
    /// Everything of this app that is kept warm, the token first: tickets are fetched with it.
    pub fn credentials(&self) -> impl Iterator<Item = Credential> + '_ {
        core::iter::once(Credential::AccessToken).chain(self.tickets.iter().copied().map(Credential::Ticket))
    }

    /// Changes when the account, its secret or its token API changes: whatever was fetched under
    /// another identity must not be served on.
    pub fn identity(&self) -> Identity {
        Identity(Sha256Digest::of_parts(&[
            "zhongkong identity 1",
            &self.appid,
            self.secret.expose(),
            self.token_api.name(),
        ]))
    }
}

/// Digest of appid, AppSecret and token API. Kept with every stored value, always sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Identity(Sha256Digest);

impl Identity {
    /// Tells two identities apart, and says nothing else about them: may stand in clear.
    pub fn fingerprint(&self) -> String {
        Sha256Digest::of_parts(&["zhongkong fingerprint 1", &String::from(self.0)]).short()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An app as the tests of other modules need it.
    pub(crate) fn shop() -> App {
        App {
            name: AppName::parse("shop").unwrap(),
            appid: "wx0123456789abcdef".to_owned(),
            secret: Secret::new("0123456789abcdef0123456789abcdef".to_owned()),
            platform: Platform::Official,
            token_api: TokenApi::Stable,
            tickets: vec![TicketType::Jsapi],
            api_hosts: vec!["https://api.weixin.qq.com".to_owned()],
            sign_hosts: vec![],
            real_token: RealToken::All,
        }
    }

    #[test]
    fn identity_follows_secret_appid_and_api() {
        let base = shop().identity();
        assert_eq!(base, shop().identity());
        assert_ne!(base, App { secret: Secret::new("other".to_owned()), ..shop() }.identity());
        assert_ne!(base, App { appid: "wx1".to_owned(), ..shop() }.identity());
        assert_ne!(
            base,
            App { token_api: TokenApi::Plain { lead_s: 1800, daily_limit: 2000 }, ..shop() }.identity()
        );
    }

    #[test]
    fn settings_are_in_capitals() {
        assert_eq!(AppName::parse("my-shop").unwrap().secret_setting(), "APP_SECRET_MY_SHOP");
        for bad in ["", "Shop", "a_b", "店", "a/b", &"a".repeat(33)] {
            assert!(AppName::parse(bad).is_none(), "{bad}");
        }
    }
}
