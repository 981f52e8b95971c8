//! What a provider's reply comes to, whichever it is, and what a refusal asks of us.

use crate::credential::Value;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// A credential as the provider gave it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// The value, whole.
    pub value: Value,
    /// Seconds of life that the reply claims.
    pub expires_in_s: u64,
    /// What is to be sent for the next value, where the provider returns such a thing. It is committed with the value.
    pub refresh_token: Option<Value>,
}

impl Issued {
    /// A value that comes alone.
    pub const fn alone(value: Value, expires_in_s: u64) -> Self {
        Self { value, expires_in_s, refresh_token: None }
    }
}

/// The provider understood the request and said no.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The provider's code.
    #[serde(rename = "errcode")]
    pub code: i64,
    /// The address that the provider saw us under, where it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<IpAddr>,
}

/// Why a request for a credential brought none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// The provider answered with a code. Nothing was rotated.
    Refused(Refusal),
    /// An answer came that is no reply of the provider. A rotation may have happened behind it.
    Garbled,
    /// A server error (5xx) came, and no reply of the provider. A rotation may have happened behind it.
    Unwell,
    /// No answer came. A rotation may have happened all the same.
    Unreachable,
    /// There was no live parent to ask with. Nothing was sent.
    NoToken,
    /// The provider gave out again a value that it calls dead.
    DeadAgain,
    /// The day's calls are used up by the centre's own count. Nothing was sent.
    LedgerFull,
}

impl Failure {
    /// Whether the provider may have rotated the credential although we did not get it.
    pub const fn may_have_rotated(&self) -> bool {
        matches!(self, Self::Garbled | Self::Unwell | Self::Unreachable)
    }

    /// What it asks of us, by the provider's classes.
    pub fn class(&self, of_code: fn(i64) -> Class) -> Class {
        match self {
            Self::Refused(refusal) => of_code(refusal.code),
            Self::Garbled | Self::Unwell | Self::Unreachable | Self::NoToken | Self::DeadAgain => Class::Soon,
            Self::LedgerFull => Class::Day,
        }
    }

    /// The provider's code, where it gave one.
    pub const fn code(&self) -> Option<i64> {
        match self {
            Self::Refused(refusal) => Some(refusal.code),
            _ => None,
        }
    }

    /// What tells one kind of bad news from another: the provider's code, else a number of ours.
    pub const fn news(&self) -> i64 {
        match self {
            Self::Refused(refusal) => refusal.code,
            Self::LedgerFull => 1,
            _ => 0,
        }
    }
}

/// What a probe found out about a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The provider took it.
    Alive,
    /// The provider refused it as dead or replaced.
    Dead,
    /// The provider answered something else.
    Unclear,
    /// No reply of the provider came.
    Unanswered,
}

/// What a refusal asks of us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The provider is busy: ask again soon, then less and less often.
    Soon,
    /// The minute's quota is used up: ask again in a minute.
    Minute,
    /// The day's quota is used up: nothing before the next day of the quota.
    Day,
    /// A person has to do something first: ask again slowly.
    Operator {
        /// The pause after the first refusal, in seconds; it doubles with each further one.
        first_s: u64,
        /// The longest pause between two attempts, in seconds.
        every_s: u64,
    },
    /// The request was wrong: a fault of ours, which asking again does not mend.
    OurFault,
    /// The parent that went along is dead.
    DeadToken,
}

impl Class {
    /// A name for statistics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Soon => "busy",
            Self::Minute => "minute_quota",
            Self::Day => "day_quota",
            Self::Operator { .. } => "operator",
            Self::OurFault => "our_fault",
            Self::DeadToken => "dead_token",
        }
    }

    /// Whether a person has to do something, so that it is worth telling at once.
    pub const fn is_for_people(self) -> bool {
        matches!(self, Self::Operator { .. } | Self::OurFault | Self::Day)
    }
}
