//! What the Worker and a Keeper say to each other: JSON over the stub's `fetch`, inside one
//! deployment.

use litemap::LiteMap;
use serde::{Deserialize, Serialize};
use zhongkong_core::alert::{Incident, Open};
use zhongkong_core::app::{AppName, Identity};
use zhongkong_core::credential::{Credential, Version};
use zhongkong_core::digest::Sha256Digest;
use zhongkong_core::engine::{Call, Status};
use zhongkong_core::history::{Action, Kind, Line};
use zhongkong_core::record::Record;
use zhongkong_core::tally::{Count, Reads};
use zhongkong_core::time::UnixTime;
use zhongkong_core::wechat::Failure;

/// A question to the Keeper of `app`.
#[derive(Serialize, Deserialize)]
pub(crate) struct Question {
    pub(crate) app: AppName,
    /// Under which the Worker runs: a Keeper of another one must not answer.
    pub(crate) identity: Identity,
    pub(crate) ask: Ask,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ask {
    /// A credential, with at least so many seconds left if that can be had. The store showed this
    /// version of it ([`Version::NONE`]: none); `None` when it said nothing.
    Read { credential: Credential, min_ttl_s: u64, shown: Option<Version> },
    /// The value with this digest is said to be dead.
    Stale { credential: Credential, digest: Sha256Digest },
    /// Do what is due, and answer when it is done. The store showed these versions.
    Wake { shown: Vec<(Credential, Version)> },
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
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reply {
    Served {
        record: Record,
        rotated: bool,
    },
    /// No value up to this version is to be served.
    Unavailable {
        version: Version,
        retry_after_s: u64,
        failure: Option<Failure>,
    },
    Awake,
    /// So many slots are sealed with the current key; the store follows.
    Resealed {
        slots: usize,
    },
    Status(Report),
    /// What was asked of WeChat, and how everything is now.
    Checked {
        #[serde(with = "zhongkong_core::map")]
        asked: LiteMap<Credential, Asked>,
        report: Report,
    },
}

/// What became of a check.
#[derive(Serialize, Deserialize)]
pub(crate) struct Asked {
    /// The first call that was made; `None` when it was too soon for one, or one was under way already.
    pub(crate) call: Option<Call>,
    pub(crate) rotated: bool,
}

/// How everything about an app is.
#[derive(Serialize, Deserialize)]
pub(crate) struct Report {
    #[serde(with = "zhongkong_core::map")]
    pub(crate) credentials: LiteMap<Credential, Status>,
    #[serde(with = "zhongkong_core::map")]
    pub(crate) incidents: LiteMap<Incident, Open>,
    /// Alerts that wait to be delivered.
    pub(crate) alerts_waiting: usize,
    /// Since the Keeper's beginning.
    pub(crate) counts: Vec<Count>,
}

/// What is done with the history of an app.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum HistoryAsk {
    /// These have happened, and so many reads were served.
    Note { lines: Vec<Line>, reads: Reads },
    /// What has happened?
    Page(Filter),
    /// How was it over the last days?
    Trends,
}

/// The last days of an app.
#[derive(Serialize, Deserialize)]
pub(crate) struct Trends {
    /// Values and their lives, the oldest first.
    pub(crate) rotations: Vec<Life>,
    /// What has happened in each hour, the oldest first.
    pub(crate) hours: Vec<HourCount>,
}

/// A value's life.
#[derive(Serialize, Deserialize)]
pub(crate) struct Life {
    pub(crate) credential: String,
    pub(crate) version: u64,
    /// When it came.
    pub(crate) at: u64,
    /// When it ends, or would have ended.
    pub(crate) expires_at: u64,
}

/// What has happened in one hour, and how often.
#[derive(Serialize, Deserialize)]
pub(crate) struct HourCount {
    /// The hour's beginning.
    pub(crate) at: u64,
    pub(crate) what: String,
    pub(crate) credential: String,
    pub(crate) outcome: String,
    pub(crate) count: u64,
}

/// Which part of the history is asked for, newest first.
#[derive(Serialize, Deserialize)]
pub(crate) struct Filter {
    /// Only entries with a smaller id.
    pub(crate) before: Option<u64>,
    /// At most so many.
    pub(crate) limit: u32,
    pub(crate) kind: Option<Kind>,
    pub(crate) action: Option<Action>,
    pub(crate) caller: Option<String>,
}

/// A line of the history in its place. In words: after a deployment was rolled back there may be some
/// that this one does not know.
#[derive(Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) id: u64,
    pub(crate) kind: String,
    pub(crate) first_at: u64,
    pub(crate) last_at: u64,
    pub(crate) count: u64,
    pub(crate) caller: Option<String>,
    pub(crate) ip: Option<String>,
    pub(crate) action: String,
    pub(crate) credential: Option<String>,
    pub(crate) result: String,
    pub(crate) version: Option<u64>,
    pub(crate) errcode: Option<i64>,
    pub(crate) about: Option<String>,
}

/// So many Keepers one tick of the cron wakes at most; the others follow a minute later.
pub(crate) const MOST_A_TICK: u32 = 500;

/// Tells whether an app is still configured as it was.
pub(crate) type Fingerprint = String;

/// A question to the roster.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RosterAsk {
    /// Who is due, in the configuration with this fingerprint?
    Due { configured: Fingerprint, now: UnixTime },
    /// These apps are configured; and who is due?
    Register { configured: Fingerprint, apps: Vec<(AppName, Fingerprint)>, now: UnixTime },
    /// A Keeper wants to be woken then, and holds this token.
    Note { app: AppName, wake_at: UnixTime, token: Option<Held>, now: UnixTime },
    /// The configuration as a whole does not work: nobody can be woken.
    Broken { now: UnixTime },
    /// When did the cron last ask?
    LastTick,
    /// Whose token has this digest?
    Whose { token: Sha256Digest, now: UnixTime },
    /// These could not be woken: not before then.
    Postpone { apps: Vec<AppName>, until: UnixTime },
    /// These are not configured any more, or wrongly.
    Forget { apps: Vec<AppName> },
}

/// What the roster knows of a token.
#[derive(Serialize, Deserialize)]
pub(crate) struct Held {
    pub(crate) digest: Sha256Digest,
    /// Of the identity that it was fetched under: with another AppSecret it is nobody's any more.
    pub(crate) identity: Fingerprint,
    /// The end of its life.
    pub(crate) until: UnixTime,
    /// The tokens before it were to be killed: they are nobody's any more.
    pub(crate) alone: bool,
}

/// What the roster knows of the centre as a whole.
#[derive(Serialize, Deserialize)]
pub(crate) struct Tick {
    /// When the cron last asked, if ever.
    pub(crate) last_at: Option<UnixTime>,
    #[serde(with = "zhongkong_core::map")]
    pub(crate) incidents: LiteMap<Incident, Open>,
    /// Alerts that wait to be delivered.
    pub(crate) alerts_waiting: usize,
}

/// The roster's reply.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RosterReply {
    /// These are due.
    Due(Vec<AppName>),
    /// That configuration was not registered.
    Unknown,
    /// It is noted.
    Noted,
    /// The cron, and the incidents of the configuration.
    Tick(Tick),
    /// The token's app and the identity that it was fetched under, if it is anybody's.
    App(Option<(AppName, Fingerprint)>),
}
