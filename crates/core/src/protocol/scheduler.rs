//! What the scheduler is asked, and what it replies.

use crate::alert::{Incident, Open};
use crate::app::AppName;
use crate::digest::Sha256Digest;
use crate::time::UnixTime;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most Keepers that one tick of the cron wakes; the others follow a minute later.
pub const MOST_A_TICK: u32 = 500;

/// Tells whether an app is still configured as it was.
pub type Fingerprint = String;

/// A question to the scheduler.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SchedulerAsk {
    /// Who is due, in the configuration with this fingerprint?
    Due {
        /// Of the configuration.
        configured: Fingerprint,
        /// The time of the tick.
        now: UnixTime,
    },
    /// These apps are configured; and who is due?
    Register {
        /// Of the configuration.
        configured: Fingerprint,
        /// Each app, with the fingerprint of its identity.
        apps: Vec<(AppName, Fingerprint)>,
        /// The time of the tick.
        now: UnixTime,
    },
    /// A Keeper wants to be woken then, and holds this token.
    Note {
        /// Whose Keeper.
        app: AppName,
        /// When.
        wake_at: UnixTime,
        /// The token that it holds.
        token: Option<Held>,
        /// The time of the note.
        now: UnixTime,
    },
    /// The configuration as a whole does not work: nobody can be woken.
    Broken {
        /// The time of the tick.
        now: UnixTime,
    },
    /// When did the cron last ask?
    LastTick,
    /// Whose token has this digest?
    Whose {
        /// SHA-256 of the token.
        token: Sha256Digest,
        /// The time of the question.
        now: UnixTime,
    },
    /// May a test message be sent to the receiver of alerts?
    TestAlert {
        /// The time of the question.
        now: UnixTime,
    },
    /// These could not be woken: not before then.
    Postpone {
        /// Their names.
        apps: Vec<AppName>,
        /// When they are due again.
        until: UnixTime,
    },
    /// These are not configured any more, or wrongly.
    Forget {
        /// Their names.
        apps: Vec<AppName>,
    },
}

impl SchedulerAsk {
    /// Whether the cron asks, as it does once a minute.
    pub const fn is_tick(&self) -> bool {
        matches!(self, Self::Due { .. } | Self::Broken { .. })
    }
}

/// What the scheduler knows of a token.
#[derive(Debug, Serialize, Deserialize)]
pub struct Held {
    /// SHA-256 of the token.
    pub digest: Sha256Digest,
    /// Of the identity that it was fetched under: with another AppSecret it is nobody's any more.
    pub identity: Fingerprint,
    /// The end of its life.
    pub until: UnixTime,
    /// Until when the tokens before it are taken, at most.
    pub others_until: UnixTime,
}

/// What the scheduler knows of the centre as a whole.
#[derive(Serialize, Deserialize)]
pub struct Tick {
    /// When the cron last asked, if ever.
    pub last_at: Option<UnixTime>,
    /// The incidents of the configuration that go on.
    pub incidents: BTreeMap<Incident, Open>,
    /// Alerts that wait to be delivered.
    pub alerts_waiting: usize,
}

/// The scheduler's reply.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SchedulerReply {
    /// These are due.
    Due(Vec<AppName>),
    /// That configuration was not registered.
    Unknown,
    /// It is noted.
    Noted,
    /// The cron, and the incidents of the configuration.
    Tick(Tick),
    /// It may be sent after this time; with 0 it may be now, and the next one a minute later.
    TestAlert {
        /// In seconds.
        wait_s: u64,
    },
    /// The token's app and the identity that it was fetched under, if it is anybody's.
    App(Option<(AppName, Fingerprint)>),
}
