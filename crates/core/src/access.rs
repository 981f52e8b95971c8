//! Who may do what: callers, their keys, scopes, apps and addresses.
//!
//! In scope: finding the caller of a key in constant time, and deciding whether it may.
//! Out of scope: reading headers (the Worker does) and rate limits.

mod origin;

pub use origin::Origin;

use crate::app::AppName;
use crate::credential::Credential;
use crate::digest::Sha256Digest;
use crate::facade::PathPattern;
use crate::secret::Secret;
use ipnet::{IpNet, Ipv6Net};
use std::net::IpAddr;
use subtle::ConstantTimeEq as _;
use subtle::{Choice, ConditionallySelectable as _};

/// One thing that a caller may be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Read the access token.
    Token,
    /// Read tickets.
    Ticket,
    /// Have pages and cards signed.
    Sign,
    /// Report a stale credential.
    Refresh,
    /// Call WeChat through us.
    Proxy,
    /// Read the health of apps.
    Status,
    /// Revoke, check, read the history; and what [`Scope::Status`] may.
    Admin,
}

impl Scope {
    /// All scopes, in the order of the documentation.
    pub const ALL: [Self; 7] =
        [Self::Token, Self::Ticket, Self::Sign, Self::Refresh, Self::Proxy, Self::Status, Self::Admin];

    /// The name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Ticket => "ticket",
            Self::Sign => "sign",
            Self::Refresh => "refresh",
            Self::Proxy => "proxy",
            Self::Status => "status",
            Self::Admin => "admin",
        }
    }

    /// The scope that reads a credential. No other one shows its value.
    pub const fn that_reads(credential: Credential) -> Self {
        match credential {
            Credential::AccessToken => Self::Token,
            Credential::Ticket(_) => Self::Ticket,
        }
    }

    /// The inverse of [`Scope::name`].
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }
}

/// The apps that a caller may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedApps {
    /// `["*"]`.
    All,
    /// By name.
    These(Vec<AppName>),
}

impl AllowedApps {
    /// Whether `app` is among them.
    pub fn includes(&self, app: &AppName) -> bool {
        match self {
            Self::All => true,
            Self::These(names) => names.contains(app),
        }
    }
}

/// A key as it is kept: only its digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyDigest(Sha256Digest);

impl KeyDigest {
    /// Lower-case hex, for what is derived from it.
    pub(crate) fn to_hex(self) -> String {
        self.0.to_string()
    }

    pub(crate) fn to_bytes(self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// The digest of a key.
    pub fn of(key: &Secret) -> Self {
        Self(Sha256Digest::of(key.expose()))
    }
}

/// Who holds a key.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The name in the configuration.
    pub name: String,
    /// The current key and, during a change of keys, the next one.
    pub keys: Vec<KeyDigest>,
    /// Which apps it may use.
    pub apps: AllowedApps,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Where it may call from; empty means from anywhere.
    pub ips: Vec<IpNet>,
    /// What it may pass through to WeChat; `None` means everything.
    pub paths: Option<Vec<PathPattern>>,
    /// The pages that its key may stand in; empty means in none.
    pub origins: Vec<Origin>,
}

impl Caller {
    /// Whether this caller may do `scope` to `app` from `ip`.
    ///
    /// Deny by default: with address ranges configured, a request whose address is unknown is
    /// refused.
    pub fn may(&self, scope: Scope, app: &AppName, ip: Option<IpAddr>) -> bool {
        self.may_from(scope, ip) && self.apps.includes(app)
    }

    /// Whether an answer from `ip` may show this caller the value of a credential of `app`. Every answer that
    /// could hold one asks here: the scope that has let a request in is not enough.
    pub fn may_see(&self, credential: Credential, app: &AppName, ip: Option<IpAddr>) -> bool {
        self.may(Scope::that_reads(credential), app, ip)
    }

    /// Whether this caller may do `scope` from `ip` to any app at all. Administrators may see what they administer.
    pub fn may_from(&self, scope: Scope, ip: Option<IpAddr>) -> bool {
        let implied = scope == Scope::Status && self.scopes.contains(&Scope::Admin);
        (implied | self.scopes.contains(&scope)) && self.may_call_from(ip)
    }

    /// Whether this caller may pass calls of this path through to WeChat.
    pub fn may_pass(&self, path: &str) -> bool {
        self.paths.as_ref().is_none_or(|paths| paths.iter().any(|pattern| pattern.covers(path)))
    }

    /// Whether its key stands in pages for all to read. It opens only from these pages.
    pub const fn is_publishable(&self) -> bool {
        !self.origins.is_empty()
    }

    /// Whether a request with this `Origin` header may use the key.
    pub fn may_come_from_page(&self, origin: Option<&str>) -> bool {
        !self.is_publishable()
            || origin.is_some_and(|origin| self.origins.iter().any(|known| known.as_str() == origin))
    }

    /// Whether this caller may come from `ip`.
    pub fn may_call_from(&self, ip: Option<IpAddr>) -> bool {
        if self.ips.is_empty() {
            return true;
        }
        // An IPv4 client may show up as ::ffff:a.b.c.d.
        let Some(ip) = ip.map(|ip| ip.to_canonical()) else { return false };
        self.ips.iter().any(|range| range.contains(&ip))
    }
}

/// Whose failures are counted together: an IPv4 address, or the /64 that one IPv6 client has to itself.
pub fn neighbourhood(ip: Option<IpAddr>) -> String {
    match ip.map(|ip| ip.to_canonical()) {
        None => "unknown".to_owned(),
        Some(IpAddr::V4(ip)) => ip.to_string(),
        Some(IpAddr::V6(ip)) => {
            Ipv6Net::new(ip, 64).map_or_else(|_| ip.to_string(), |net| net.trunc().to_string())
        }
    }
}

/// All callers, searched by key.
#[derive(Clone, Debug, Default)]
pub struct Callers(Vec<Caller>);

impl Callers {
    /// The callers given.
    pub fn new(callers: Vec<Caller>) -> Self {
        Self(callers)
    }

    /// No caller at all: nobody can be authenticated.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether there is any page that holds a key.
    pub fn have_pages(&self) -> bool {
        self.0.iter().any(Caller::is_publishable)
    }

    /// Whether pages of this origin may hold some caller's key.
    pub fn know_origin(&self, origin: &str) -> bool {
        self.0.iter().any(|caller| caller.origins.iter().any(|known| known.as_str() == origin))
    }

    /// Every caller.
    pub fn iter(&self) -> impl Iterator<Item = &Caller> {
        self.0.iter()
    }

    /// The caller of this name.
    pub fn named(&self, name: &str) -> Option<&Caller> {
        self.0.iter().find(|caller| caller.name == name)
    }

    /// The caller who holds `key`.
    ///
    /// Every key of every caller is compared, in constant time, whether or not one matched before:
    /// an unknown key costs the same work as a known one.
    pub fn holder_of(&self, key: &Secret) -> Option<&Caller> {
        let presented = Sha256Digest::of(key.expose());
        let mut found = u64::MAX;
        for (index, caller) in (0_u64..).zip(&self.0) {
            let hit = caller.keys.iter().fold(Choice::from(0), |hit, key| hit | key.0.ct_eq(&presented));
            found.conditional_assign(&index, hit);
        }
        let known = !found.ct_eq(&u64::MAX);
        if known.into() { self.0.get(usize::try_from(found).ok()?) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(name: &str, keys: &[&str], ips: &[&str]) -> Caller {
        Caller {
            name: name.to_owned(),
            keys: keys.iter().map(|key| KeyDigest::of(&Secret::new((*key).to_owned()))).collect(),
            apps: AllowedApps::These(vec![AppName::parse("shop").unwrap()]),
            scopes: vec![Scope::Token],
            ips: ips.iter().map(|range| range.parse().unwrap()).collect(),
            paths: None,
            origins: vec![],
        }
    }

    fn key(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[test]
    fn both_keys_of_a_caller_open_and_no_other() {
        let callers = Callers::new(vec![caller("web", &["one", "two"], &[]), caller("job", &["three"], &[])]);
        for (presented, holder) in [("one", "web"), ("two", "web"), ("three", "job")] {
            assert_eq!(callers.holder_of(&key(presented)).unwrap().name, holder);
        }
        for stranger in ["", "on", "onee", "ONE"] {
            assert!(callers.holder_of(&key(stranger)).is_none());
        }
        assert!(Callers::default().holder_of(&key("one")).is_none());
    }

    #[test]
    fn denied_by_default() {
        let shop = AppName::parse("shop").unwrap();
        let web = caller("web", &["one"], &[]);
        assert!(web.may(Scope::Token, &shop, None));
        assert!(!web.may(Scope::Ticket, &shop, None));
        assert!(!web.may(Scope::Token, &AppName::parse("other").unwrap(), None));
        assert!(!Caller { scopes: vec![], ..web }.may(Scope::Token, &shop, None));
    }

    #[test]
    fn only_the_scope_that_reads_a_credential_shows_it() {
        let shop = AppName::parse("shop").unwrap();
        let jsapi = Credential::Ticket(crate::credential::TicketType::Jsapi);
        for scope in Scope::ALL {
            let caller = Caller { scopes: vec![scope], ..caller("web", &["one"], &[]) };
            assert_eq!(caller.may_see(Credential::AccessToken, &shop, None), scope == Scope::Token);
            assert_eq!(caller.may_see(jsapi, &shop, None), scope == Scope::Ticket);
        }
        let from_there = caller("web", &["one"], &["203.0.113.0/24"]);
        assert!(!from_there.may_see(Credential::AccessToken, &shop, None));
    }

    #[test]
    fn a_publishable_key_opens_from_its_pages_only() {
        let shop = "https://shop.example.com";
        let page = Caller { origins: vec![Origin::parse(shop).unwrap()], ..caller("page", &["one"], &[]) };
        assert!(page.is_publishable() && page.may_come_from_page(Some(shop)));
        for other in [
            None,
            Some(""),
            Some("null"),
            Some("https://evil.example"),
            Some("https://shop.example.com.evil.example"),
        ] {
            assert!(!page.may_come_from_page(other));
        }
        assert!(caller("web", &["one"], &[]).may_come_from_page(None));
    }

    #[test]
    fn paths_bound_what_is_passed_through() {
        let paths = Some(vec![PathPattern::parse("/cgi-bin/message/*").unwrap()]);
        let web = Caller { paths, ..caller("web", &["one"], &[]) };
        assert!(web.may_pass("/cgi-bin/message/custom/send") && !web.may_pass("/cgi-bin/menu/get"));
        assert!(caller("web", &["one"], &[]).may_pass("/cgi-bin/menu/get"));
    }

    #[test]
    fn one_client_is_one_neighbourhood() {
        let of = |ip: &str| neighbourhood(Some(ip.parse().unwrap()));
        assert_eq!(of("203.0.113.9"), "203.0.113.9");
        assert_eq!(of("::ffff:203.0.113.9"), "203.0.113.9");
        assert_eq!(of("2001:db8:0:7:1:2:3:4"), "2001:db8:0:7::/64");
        assert_eq!(of("2001:db8:0:7::"), of("2001:db8:0:7:ffff::1"));
        assert_eq!(neighbourhood(None), "unknown");
    }

    #[test]
    fn addresses_are_matched_as_ranges() {
        let shop = AppName::parse("shop").unwrap();
        let web = caller("web", &["one"], &["203.0.113.0/24", "2001:db8::/32"]);
        let from = |ip: &str| web.may(Scope::Token, &shop, Some(ip.parse().unwrap()));
        assert!(from("203.0.113.9") && from("2001:db8::1") && from("::ffff:203.0.113.9"));
        assert!(!from("203.0.114.9") && !from("2001:db9::1") && !from("3.203.0.113"));
        assert!(!web.may(Scope::Token, &shop, None));
    }
}
