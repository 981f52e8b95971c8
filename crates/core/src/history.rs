//! The history of an app: who was handed what, who was refused, what became of each call to WeChat.
//!
//! What is alike within a minute is one [`Line`] with a count, so that a thousand reads a second cost as
//! much as one. A line holds names, times and digests, never a value.
//!
//! In scope: what a line says, which lines are one, how lines gather in an isolate ([`Journal`]), and
//! what the engine's events leave behind ([`upkeep`]).
//! Out of scope: where lines are kept (the Keeper's SQLite).

mod journal;
mod upkeep;
mod words;

pub use journal::{Batch, Hurry, Journal};
pub use upkeep::upkeep;
pub use words::{Action, Kind};

use crate::credential::{Credential, Version};
use crate::time::UnixTime;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv6Addr};

/// Lines are kept for so many days.
pub const KEPT_DAYS: u64 = 30;

/// One thing that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deed<'a> {
    /// What kind of line it goes into.
    pub kind: Kind,
    /// The caller's name, where one was found.
    pub caller: Option<&'a str>,
    /// What was done, or tried.
    pub action: Action,
    /// With which credential.
    pub credential: Option<Credential>,
    /// What came of it: `ok`, `rotated`, or why not; a code of the API where a caller was refused.
    pub result: &'a str,
    /// Which version was handed out, or is held now.
    pub version: Option<Version>,
    /// WeChat's code, where it refused.
    pub errcode: Option<i64>,
    /// What it was about: the first hex digits of a reported value's digest, or the name of a setting.
    pub about: Option<&'a str>,
    /// Where the request came from.
    pub ip: Option<IpAddr>,
}

impl<'a> Deed<'a> {
    /// What a caller did: `result` is `Err` with the code of the refusal.
    pub fn of_caller(
        caller: Option<&'a str>,
        action: Action,
        credential: Option<Credential>,
        result: Result<&'a str, &'a str>,
        ip: Option<IpAddr>,
    ) -> Self {
        let kind = match (result, caller) {
            (Err(_), None) => Kind::Stranger,
            (Err(_), Some(_)) => Kind::Refusal,
            (Ok(_), _) if matches!(action, Action::Revoke | Action::Reseal | Action::Check) => Kind::Upkeep,
            (Ok(_), _) if action == Action::Report => Kind::Report,
            (Ok(_), _) => Kind::Access,
        };
        let ip = ip.filter(|_| action.is_of_a_server() || result.is_err());
        // One IPv6 client has a whole /64 to guess from.
        let ip = if caller.is_none() { ip.map(without_host) } else { ip };
        Self { ip, caller, kind, ..Self::of_keeper(action, credential, result.unwrap_or_else(|code| code)) }
    }

    /// What the Keeper did.
    pub const fn of_keeper(action: Action, credential: Option<Credential>, result: &'a str) -> Self {
        Self {
            kind: Kind::Upkeep,
            caller: None,
            action,
            credential,
            result,
            version: None,
            errcode: None,
            about: None,
            ip: None,
        }
    }
}

/// What happened within one minute, and how often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// [`Deed::kind`].
    pub kind: Kind,
    /// [`Deed::caller`].
    pub caller: Option<String>,
    /// [`Deed::action`].
    pub action: Action,
    /// [`Deed::credential`].
    pub credential: Option<Credential>,
    /// [`Deed::result`].
    pub result: String,
    /// [`Deed::version`].
    pub version: Option<Version>,
    /// [`Deed::errcode`].
    pub errcode: Option<i64>,
    /// [`Deed::about`].
    pub about: Option<String>,
    /// [`Deed::ip`].
    pub ip: Option<IpAddr>,
    /// The first time.
    pub first_at: UnixTime,
    /// The last time, in the same minute.
    pub last_at: UnixTime,
    /// How often.
    pub count: u64,
}

impl Line {
    /// A deed that was done once.
    pub fn new(deed: &Deed<'_>, now: UnixTime) -> Self {
        Self {
            kind: deed.kind,
            caller: deed.caller.map(str::to_owned),
            action: deed.action,
            credential: deed.credential,
            result: deed.result.to_owned(),
            version: deed.version,
            errcode: deed.errcode,
            about: deed.about.map(str::to_owned),
            ip: deed.ip,
            first_at: now,
            last_at: now,
            count: 1,
        }
    }

    /// The same without what there can be many of; of what was refused only who and why.
    #[must_use]
    pub fn in_short(&self) -> Self {
        let (action, credential) = match self.kind {
            Kind::Refusal | Kind::Stranger => (Action::Unknown, None),
            Kind::Access | Kind::Report | Kind::Upkeep => (self.action, self.credential),
        };
        Self { action, credential, version: None, errcode: None, about: None, ip: None, ..self.clone() }
    }

    /// The minute that it tells of, counted from the epoch.
    pub const fn minute(&self) -> u64 {
        minute(self.first_at)
    }

    /// Whether a deed of this minute belongs into it.
    fn tells_of(&self, deed: &Deed<'_>, minute: u64) -> bool {
        // Numbers first: most lines differ in one.
        self.version == deed.version
            && self.action == deed.action
            && self.credential == deed.credential
            && self.kind == deed.kind
            && self.ip == deed.ip
            && self.errcode == deed.errcode
            && self.minute() == minute
            && self.result == deed.result
            && self.caller.as_deref() == deed.caller
            && self.about.as_deref() == deed.about
    }
}

/// An IPv4 address as it is, of an IPv6 address its /64.
fn without_host(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

const fn minute(time: UnixTime) -> u64 {
    time.as_secs() / 60
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_tell_who_and_whether() {
        let kind = |caller, action, result| Deed::of_caller(caller, action, None, result, None).kind;
        assert_eq!(kind(Some("web"), Action::Read, Ok("ok")), Kind::Access);
        assert_eq!(kind(Some("web"), Action::Read, Err("not_allowed")), Kind::Refusal);
        assert_eq!(kind(None, Action::Read, Err("unauthorized")), Kind::Stranger);
        assert_eq!(kind(Some("web"), Action::Report, Ok("current")), Kind::Report);
        assert_eq!(kind(Some("ops"), Action::Revoke, Ok("ok")), Kind::Upkeep);
        assert_eq!(kind(Some("ops"), Action::Revoke, Err("unavailable")), Kind::Refusal);
    }

    #[test]
    fn where_visitors_are_is_not_noted_and_where_guessers_are_is() {
        let v4 = Some("203.0.113.9".parse().unwrap());
        let v6 = Some("2001:db8:1:2:3:4:5:6".parse().unwrap());
        let noted = |caller, action, result, ip| Deed::of_caller(caller, action, None, result, ip).ip;
        assert_eq!(noted(Some("web"), Action::Read, Ok("ok"), v4), v4);
        assert_eq!(noted(Some("web"), Action::Read, Ok("ok"), v6), v6);
        assert_eq!(noted(Some("web"), Action::Sign, Ok("ok"), v4), None);
        assert_eq!(noted(None, Action::Sign, Err("unauthorized"), v4), v4);
        let net = Some("2001:db8:1:2::".parse().unwrap());
        assert_eq!(noted(None, Action::Read, Err("unauthorized"), v6), net);
    }

    #[test]
    fn a_line_in_short_says_less_and_counts_the_same() {
        let deed =
            Deed::of_caller(Some("web"), Action::Read, None, Ok("ok"), Some("203.0.113.9".parse().unwrap()));
        let line =
            Line { count: 7, ..Line::new(&Deed { about: Some("x"), ..deed }, UnixTime::from_secs(60)) };
        let short = line.in_short();
        assert_eq!((short.ip, short.about, short.count), (None, None, 7));
        let refused = Deed::of_caller(None, Action::Read, None, Err("unauthorized"), None);
        let refused = Line::new(&refused, UnixTime::from_secs(60)).in_short();
        assert_eq!((refused.action, refused.result.as_str()), (Action::Unknown, "unauthorized"));
        assert_eq!(
            (short.caller.as_deref(), short.action, short.result.as_str()),
            (Some("web"), Action::Read, "ok")
        );
    }
}
