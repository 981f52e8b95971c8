//! The messages between the Worker, the Keepers and the scheduler: JSON over a stub's `fetch`.
//!
//! During a deployment the two sides may be of different versions, so the forms are pinned by `tests/golden.rs`.

mod scheduler;

pub use scheduler::{Fingerprint, Held, MOST_A_TICK, SchedulerAsk, SchedulerReply, Tick};

use crate::alert::{Incident, Open};
use crate::app::{AppName, Identity};
use crate::credential::{Credential, Version};
use crate::digest::Sha256Digest;
use crate::engine::{Call, Failure, Status};
use crate::history::{Action, Kind, Line};
use crate::record::Record;
use crate::tally::{Count, Reads};

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A question to the Keeper of `app`.
#[derive(Serialize, Deserialize)]
pub struct Question {
    /// Whose credentials.
    pub app: AppName,
    /// Under which the Worker runs: a Keeper of another one must not answer.
    pub identity: Identity,
    /// What is asked.
    pub ask: Ask,
}

/// What a Keeper can be asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// A credential, with at least `min_ttl_s` seconds left if that can be had. The store showed this
    /// version of it ([`Version::NONE`]: none); `None` when it said nothing.
    Read {
        /// Which one.
        credential: Credential,
        /// In seconds.
        min_ttl_s: u64,
        /// What the store showed.
        shown: Option<Version>,
    },
    /// The value with this digest is said to be dead.
    Stale {
        /// Which one.
        credential: Credential,
        /// SHA-256 of the value.
        digest: Sha256Digest,
    },
    /// The provider has refused the value with this digest as dead, in a call that was passed through.
    Refused {
        /// Which one.
        credential: Credential,
        /// SHA-256 of the value.
        digest: Sha256Digest,
        /// Who has made the call: the caller's name, empty for one who holds the value itself.
        by: String,
    },
    /// Do what is due, and answer when it is done. The store showed these versions.
    Wake {
        /// What the store showed, where it was looked at.
        shown: Vec<(Credential, Version)>,
    },
    /// The access token has leaked: kill it.
    Revoke,
    /// Seal everything anew with the current key.
    Reseal,
    /// Ask WeChat now for this credential, or for all, where that is safe.
    Check(Option<Credential>),
    /// How is everything?
    Status,
}

/// A Keeper's reply.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// A credential that lives.
    Served {
        /// Its value and times.
        record: Record,
        /// Whether it was replaced on the way.
        rotated: bool,
    },
    /// No value up to this version is to be served.
    Unavailable {
        /// The newest version that there was.
        version: Version,
        /// When asking again may help, in seconds.
        retry_after_s: u64,
        /// Why there is none.
        failure: Option<Failure>,
    },
    /// What was due is done.
    Awake,
    /// These slots are sealed with the current key; the store follows.
    Resealed {
        /// How many.
        slots: usize,
    },
    /// How everything is.
    Status(Report),
    /// What was asked of WeChat, and how everything is now.
    Checked {
        /// What was asked, for each credential.
        asked: BTreeMap<Credential, Asked>,
        /// How everything is now.
        report: Report,
    },
}

/// What became of a check.
#[derive(Debug, Serialize, Deserialize)]
pub struct Asked {
    /// The first call that was made; `None` when it was too soon for one, or one was under way already.
    pub call: Option<Call>,
    /// Whether it was replaced.
    pub rotated: bool,
}

/// How everything about an app is.
#[derive(Debug, Serialize, Deserialize)]
pub struct Report {
    /// Each credential.
    pub credentials: BTreeMap<Credential, Status>,
    /// Those that go on.
    pub incidents: BTreeMap<Incident, Open>,
    /// Alerts that wait to be delivered.
    pub alerts_waiting: usize,
    /// Since the Keeper's beginning.
    pub counts: Vec<Count>,
}

/// What is done with the history of an app.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HistoryAsk {
    /// What has happened, and how many reads were served.
    Note {
        /// What has happened.
        lines: Vec<Line>,
        /// Reads by where they were served from.
        reads: Reads,
    },
    /// What has happened?
    Page(Filter),
    /// How was it over the last days?
    Trends,
}

/// The last days of an app.
#[derive(Serialize, Deserialize)]
pub struct Trends {
    /// Values and their lives, the oldest first.
    pub rotations: Vec<Life>,
    /// What has happened in each hour, the oldest first.
    pub hours: Vec<HourCount>,
}

/// A value's life.
#[derive(Serialize, Deserialize)]
pub struct Life {
    /// Of which credential.
    pub credential: String,
    /// Its version.
    pub version: u64,
    /// When it came.
    pub at: u64,
    /// When it ends, or would have ended.
    pub expires_at: u64,
}

/// What has happened in one hour, and how often.
#[derive(Serialize, Deserialize)]
pub struct HourCount {
    /// The hour's beginning.
    pub at: u64,
    /// What was done.
    pub what: String,
    /// To which credential.
    pub credential: String,
    /// With what result.
    pub outcome: String,
    /// How often.
    pub count: u64,
}

/// Which part of the history is asked for, newest first.
#[derive(Serialize, Deserialize)]
pub struct Filter {
    /// Only entries with a smaller id.
    pub before: Option<u64>,
    /// The most entries.
    pub limit: u32,
    /// Only of this kind.
    pub kind: Option<Kind>,
    /// Only of this action.
    pub action: Option<Action>,
    /// Only of this caller.
    pub caller: Option<String>,
}

/// A line of the history in its place. In words: after a deployment was rolled back there may be some
/// that this one does not know.
#[derive(Serialize, Deserialize)]
pub struct Entry {
    /// Grows from entry to entry.
    pub id: u64,
    /// Whose doing: a caller's, or the Keeper's own.
    pub kind: String,
    /// When it happened first, in Unix seconds.
    pub first_at: u64,
    /// And last.
    pub last_at: u64,
    /// How often.
    pub count: u64,
    /// The caller's name.
    pub caller: Option<String>,
    /// From where.
    pub ip: Option<String>,
    /// What was done.
    pub action: String,
    /// To which credential.
    pub credential: Option<String>,
    /// With what result.
    pub result: String,
    /// Which version.
    pub version: Option<u64>,
    /// WeChat's code.
    pub errcode: Option<i64>,
    /// What else there is to know, never a value.
    pub about: Option<String>,
}
