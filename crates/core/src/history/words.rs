//! The words of the history: what was done, and what kind of line that makes.

use serde::{Deserialize, Serialize};

/// What was done, or tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
    /// A caller, or a holder of the token, called WeChat through us.
    Pass,
    /// A caller had a token killed.
    Revoke,
    /// A caller had everything sealed anew.
    Reseal,
    /// A caller had WeChat asked, whatever the plan.
    Check,
    /// A caller had a signature explained.
    Explain,
    /// A caller looked at the status.
    Status,
    /// A caller looked at the history.
    Events,
    /// Somebody asked for a path that is none of ours.
    Unknown,
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
    pub const ALL: [Self; 20] = [
        Self::Read,
        Self::Report,
        Self::Sign,
        Self::CardSign,
        Self::Pass,
        Self::Revoke,
        Self::Reseal,
        Self::Check,
        Self::Explain,
        Self::Status,
        Self::Events,
        Self::Unknown,
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
            Self::Pass => "pass",
            Self::Revoke => "revoke",
            Self::Reseal => "reseal",
            Self::Check => "check",
            Self::Explain => "explain",
            Self::Status => "status",
            Self::Events => "events",
            Self::Unknown => "unknown",
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

    /// Whether it is what callers do all day, and changes nothing.
    pub const fn is_everyday(self) -> bool {
        matches!(self, Self::Read | Self::Sign | Self::CardSign | Self::Pass | Self::Explain)
    }

    /// Whether it is rare and grave, so that its line is not kept waiting.
    pub const fn is_urgent(self) -> bool {
        matches!(self, Self::Revoke | Self::Reseal | Self::Check)
    }

    /// Whether its callers are servers, whose addresses say something. A page's signature is asked for
    /// on behalf of its visitors, and where those are is nobody's business.
    pub(super) const fn is_of_a_server(self) -> bool {
        !matches!(self, Self::Sign | Self::CardSign)
    }
}

/// Lines of one kind push out only their like: a flood of refusals does not wash the rest away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A caller was handed something.
    Access,
    /// A caller said that a value is dead.
    Report,
    /// A caller was not served.
    Refusal,
    /// Somebody without a valid key was not served.
    Stranger,
    /// Rotations, checks, alerts, the store, the configuration, and what administrators did.
    Upkeep,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Access, Self::Report, Self::Refusal, Self::Stranger, Self::Upkeep];

    /// The name in answers and in storage.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Report => "report",
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
            Self::Report | Self::Refusal | Self::Upkeep => 10_000,
            Self::Stranger => 5_000,
        }
    }

    /// So many lines of one caller tell of one minute in detail; what else happens in it is told without
    /// address, version and subject, so that nobody fills the history by variety.
    pub const fn most_in_a_minute(self) -> u32 {
        match self {
            Self::Access | Self::Upkeep => 64,
            Self::Report | Self::Refusal | Self::Stranger => 8,
        }
    }
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
}
