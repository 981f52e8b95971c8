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

pub use journal::Journal;
pub use upkeep::upkeep;

use crate::credential::{Credential, Version};
use crate::time::UnixTime;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// What was done, or tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A caller read a credential.
    Read,
    /// A caller said that a value is dead.
    Report,
    /// A caller had a page signed.
    Sign,
    /// A caller had a card signed.
    CardSign,
    /// A caller had a token killed.
    Revoke,
    /// A caller had everything sealed anew.
    Reseal,
    /// A caller looked at the status.
    Status,
    /// A caller looked at the history.
    Events,
    /// The Keeper asked WeChat for the credential.
    Refresh,
    /// The Keeper asked WeChat to replace the token whatever its age.
    ForcedRefresh,
    /// The Keeper asked WeChat whether the token lives.
    Probe,
    /// The Keeper asked WeChat whether it is there.
    Knock,
    /// The Keeper told a person.
    Alert,
    /// The Keeper wrote to the store.
    Publish,
    /// Something stored was to be opened.
    Open,
    /// The app's settings were read.
    Configuration,
}

impl Action {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 16] = [
        Self::Read,
        Self::Report,
        Self::Sign,
        Self::CardSign,
        Self::Revoke,
        Self::Reseal,
        Self::Status,
        Self::Events,
        Self::Refresh,
        Self::ForcedRefresh,
        Self::Probe,
        Self::Knock,
        Self::Alert,
        Self::Publish,
        Self::Open,
        Self::Configuration,
    ];

    /// The name in answers and in storage. Never change one: stored lines use it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Report => "report",
            Self::Sign => "sign",
            Self::CardSign => "card_sign",
            Self::Revoke => "revoke",
            Self::Reseal => "reseal",
            Self::Status => "status",
            Self::Events => "events",
            Self::Refresh => "refresh",
            Self::ForcedRefresh => "forced_refresh",
            Self::Probe => "probe",
            Self::Knock => "knock",
            Self::Alert => "alert",
            Self::Publish => "publish",
            Self::Open => "open",
            Self::Configuration => "configuration",
        }
    }

    /// The inverse of [`Action::name`].
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }

    /// Whether a success of it is noted too: it hands something out, or changes something.
    pub const fn leaves_a_trace(self) -> bool {
        !matches!(self, Self::Status | Self::Events)
    }

    /// Whether it is rare and grave, so that its line is not kept waiting.
    pub const fn is_urgent(self) -> bool {
        matches!(self, Self::Revoke | Self::Reseal | Self::Report)
    }

    /// Whether its callers are servers, whose addresses say something. A page's signature is asked for
    /// on behalf of its visitors, and where those are is nobody's business.
    const fn has_address(self) -> bool {
        !matches!(self, Self::Sign | Self::CardSign)
    }
}

/// Lines of one kind push out only their like: a flood of refusals does not wash the rest away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A caller was served.
    Access,
    /// A caller was not served.
    Refusal,
    /// Somebody without a valid key was not served.
    Stranger,
    /// Rotations, checks, alerts, the store, the configuration, and what administrators did.
    Upkeep,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Access, Self::Refusal, Self::Stranger, Self::Upkeep];

    /// The name in answers and in storage.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Refusal => "refusal",
            Self::Stranger => "stranger",
            Self::Upkeep => "upkeep",
        }
    }

    /// The inverse of [`Kind::name`].
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// So many lines of it are kept.
    pub const fn most_kept(self) -> u32 {
        match self {
            Self::Access => 40_000,
            Self::Refusal | Self::Upkeep => 10_000,
            Self::Stranger => 5_000,
        }
    }
}

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
            (Ok(_), _) if matches!(action, Action::Revoke | Action::Reseal) => Kind::Upkeep,
            (Ok(_), _) => Kind::Access,
        };
        let result = result.unwrap_or_else(|code| code);
        let ip = ip.filter(|_| action.has_address());
        Self { ip, caller, kind, ..Self::of_keeper(action, credential, result) }
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

const fn minute(time: UnixTime) -> u64 {
    time.as_secs() / 60
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_inverse_pairs_and_those_of_serde() {
        for action in Action::ALL {
            assert_eq!(Action::parse(action.name()), Some(action));
            assert_eq!(serde_json::to_value(action).unwrap(), action.name());
        }
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.name()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
    }

    #[test]
    fn kinds_tell_who_and_whether() {
        let kind = |caller, action, result| Deed::of_caller(caller, action, None, result, None).kind;
        assert_eq!(kind(Some("web"), Action::Read, Ok("ok")), Kind::Access);
        assert_eq!(kind(Some("web"), Action::Read, Err("not_allowed")), Kind::Refusal);
        assert_eq!(kind(None, Action::Read, Err("unauthorized")), Kind::Stranger);
        assert_eq!(kind(Some("ops"), Action::Revoke, Ok("ok")), Kind::Upkeep);
        assert_eq!(kind(Some("ops"), Action::Revoke, Err("unavailable")), Kind::Refusal);
    }

    #[test]
    fn where_visitors_are_is_not_noted() {
        let ip = Some("203.0.113.9".parse().unwrap());
        let noted = |action| Deed::of_caller(Some("web"), action, None, Ok("ok"), ip).ip;
        assert_eq!(noted(Action::Read), ip);
        assert_eq!(noted(Action::Sign), None);
    }
}
