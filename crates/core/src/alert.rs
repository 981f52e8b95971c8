//! Alerts: what a person hears where they are, once when something begins to be wrong and once when it is over.
//!
//! In scope: which states of an app are incidents ([`findings`]), what has been told of them and what has still to be
//! told ([`Book`]), and the words and the wire form for each kind of receiver ([`Webhook`]).
//! Out of scope: sending, and keeping the book (the Keeper's SQLite).

mod book;
mod find;
mod message;
mod webhook;

pub use book::{Book, Notice, Open, Phase};
pub use find::{findings, misconfigured};
pub use webhook::{Envelope, Format, Webhook};

use crate::credential::Credential;
use crate::time::UnixTime;
use serde::{Deserialize, Serialize};

/// What can be wrong for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Incident {
    /// A credential cannot be replaced, and a person has to act, or it has lasted, or what is held is about to die.
    RefreshFailing,
    /// Somebody else kills this app's tokens.
    KilledOutside,
    /// Four fifths of a day's calls are used up.
    QuotaLow,
    /// Settings are missing or wrong.
    Misconfigured,
    /// None: somebody wants to see that a message arrives.
    Test,
}

impl Incident {
    /// All that can be going on.
    pub const ALL: [Self; 4] =
        [Self::RefreshFailing, Self::KilledOutside, Self::QuotaLow, Self::Misconfigured];

    /// The name in messages, answers and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RefreshFailing => "refresh_failing",
            Self::KilledOutside => "killed_outside",
            Self::QuotaLow => "quota_low",
            Self::Misconfigured => "misconfigured",
            Self::Test => "test",
        }
    }
}

/// Something that is wrong now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which incident it belongs to.
    pub incident: Incident,
    /// Which credential it is about; `None` for the app or the centre as a whole.
    pub credential: Option<Credential>,
    /// What tells it from another of its kind that a person has to hear of as well; empty for what passes by itself.
    pub cause: String,
    /// WeChat's code, where it gave one.
    pub errcode: Option<i64>,
    /// What happened and what to do, in the receiver's language.
    pub detail: String,
    /// When what is held dies, where that is what is at stake.
    pub dies_at: Option<UnixTime>,
}
