//! Everything that is known about one credential of one app, and persisted.

use super::Call;
use super::schedule::{FUSE_S, Life, Plan, Rules, TRUST_AFTER_PLAN_S};
use crate::app::Identity;
use crate::credential::{Value, Version};
use crate::record::Record;
use crate::time::UnixTime;
use crate::wechat::Failure;
use serde::{Deserialize, Serialize};

/// A call that has not ended for this long never will: whoever made it is gone.
const CALL_LOST_AFTER_S: u64 = 30;

/// Pause before a store that did not take a record is tried again.
const PUBLISH_AGAIN_S: u64 = 10;

/// The store's end of life may be so much later than ours, or so much sooner, before it is written
/// again: late sights of a ticket lengthen its life by seconds, and are not worth a write each.
const STORED_LATER_S: u64 = 30;
const STORED_SOONER_S: u64 = 120;

/// A record that somebody misses is believed to be lost after so long; before, the store may just
/// be behind.
const STORE_BEHIND_S: u64 = 600;

/// The clocks of a reader and of the Keeper may differ by this much. Tokens have a whole minute to
/// spare; a ticket is handed out to the end.
const CLOCKS_APART_S: u64 = 2;

/// Forced refreshes of the stable API: so many a day, so far apart (api_getstableaccesstoken).
const FORCED_PER_DAY: u32 = 20;
const FORCED_APART_S: u64 = 30;

/// The state of one credential. [`super::decide`] is the only way to change it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// Of the newest value ever held; survives the loss of the value.
    pub(super) version: Version,
    /// The identity under which the Keeper serves the app.
    pub(super) identity: Option<Identity>,
    pub(super) held: Option<Held>,
    pub(super) under_way: Option<UnderWay>,
    pub(super) trouble: Option<Trouble>,
    /// Plain API: a reply was lost, and no reply has come since. One more rotation, and the held
    /// value may be the one before the previous: dead at once.
    pub(super) rotation_lost: bool,
    /// When a stale report was last acted on.
    pub(super) checked_at: Option<UnixTime>,
    /// Which value that check was about.
    pub(super) checked_version: Version,
    /// When the held value is to be checked because of a report that came too soon after the last.
    pub(super) check_at: Option<UnixTime>,
    /// How often in a row WeChat has called the held token alive after a report.
    pub(super) cleared: u32,
    pub(super) forced: Forced,
    /// What the store holds.
    stored: Option<Stored>,
    publish_after: Option<UnixTime>,
    pub(super) last_success: Option<UnixTime>,
}

/// The value that is handed out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Held {
    pub(super) value: Value,
    pub(super) life: Life,
    pub(super) plan: Plan,
    /// WeChat has said that it is dead.
    pub(super) condemned: bool,
}

/// A call that has been decided on and whose outcome is not known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct UnderWay {
    pub(super) call: Call,
    pub(super) sent_at: UnixTime,
}

/// Refreshing does not work just now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// The newest failure.
    pub failure: Failure,
    /// Failures in a row.
    pub count: u32,
    /// When the first of them happened.
    pub since: UnixTime,
    /// When the next attempt is made.
    pub retry_at: UnixTime,
    /// What people have been told of this incident: errcodes, 0 for a failure without one.
    pub announced: Vec<i64>,
}

/// What the store was seen to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// The version of the record.
    pub version: Version,
    /// The end of life that the record gives.
    pub expires_at: UnixTime,
    /// When it was written.
    pub at: UnixTime,
}

/// The ledger of forced refreshes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Forced {
    day: u64,
    count: u32,
    last_at: Option<UnixTime>,
}

/// What a person or a monitor may see of a slot: no value in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// `ok`, `retrying` (served, but the last refresh failed), `down` (nothing to serve) or `empty`
    /// (never asked for yet).
    pub state: String,
    /// Of the newest value.
    pub version: u64,
    /// Seconds of life left; 0 when nothing is held.
    pub expires_in: u64,
    /// End of life.
    pub expires_at: Option<UnixTime>,
    /// When the next refresh or retry is planned.
    pub next_refresh_at: Option<UnixTime>,
    /// When WeChat last answered with a value.
    pub last_success_at: Option<UnixTime>,
    /// Tickets: whether the value's age is known.
    pub age_known: bool,
    /// The newest failure, while it lasts.
    pub trouble: Option<Trouble>,
}

impl Forced {
    /// WeChat says that they are used up, whatever was counted here.
    pub(super) fn use_up(&mut self, now: UnixTime) {
        *self = Self { day: now.beijing_day(), count: FORCED_PER_DAY, last_at: Some(now) };
    }
}

impl Slot {
    /// A slot that has lost everything but its version: what the Keeper begins with when a stored
    /// slot does not open.
    pub fn with_version(version: Version) -> Self {
        Self { version, ..Self::default() }
    }

    /// Of the newest value ever held.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Whether a call is under way: after loading, that means that its outcome is lost.
    pub const fn has_call_under_way(&self) -> bool {
        self.under_way.is_some()
    }

    /// Failures in a row; 0 when the last call brought what was asked for.
    pub fn failures(&self) -> u32 {
        self.trouble.as_ref().map_or(0, |trouble| trouble.count)
    }

    /// When the call under way was sent.
    pub fn sent_at(&self) -> Option<UnixTime> {
        self.under_way.map(|call| call.sent_at)
    }

    /// The held value, dead or alive: what a probe asks about.
    pub fn held_value(&self) -> Option<&Value> {
        self.held.as_ref().map(|held| &held.value)
    }

    /// The held value as a published record: `None` when nothing may be handed out.
    pub fn record(&self, rules: Rules) -> Option<Record> {
        let held = self.held.as_ref().filter(|held| !held.condemned)?;
        let Plan { expires_at, refresh_at, wait_from } = held.plan;
        // From the planned refresh on a plain token may be replaced at any moment, and a copy of it
        // does not notice: it dies 300 s after that, whatever its own end says.
        let trust_until = match rules {
            Rules::Plain { .. } => wait_from.min(refresh_at.plus(TRUST_AFTER_PLAN_S)),
            Rules::Stable => wait_from,
            Rules::Ticket => wait_from.minus(CLOCKS_APART_S),
        };
        Some(Record {
            version: self.version,
            value: held.value.clone(),
            expires_at,
            refresh_at,
            trust_until,
            identity: self.identity?,
        })
    }

    /// The held value, if it may be handed out at `now`.
    pub(super) fn live(&self, now: UnixTime) -> Option<&Held> {
        let at_risk = self.rotation_lost && self.under_way.is_some_and(|call| call.call != Call::Probe);
        self.held.as_ref().filter(|held| !held.condemned && !at_risk && now < held.plan.expires_at)
    }

    /// Seconds for which the held value may still be handed out.
    pub(super) fn left_s(&self, now: UnixTime) -> u64 {
        self.live(now).map_or(0, |held| now.until(held.plan.expires_at))
    }

    /// When the next refresh is due.
    pub(super) fn due_at(&self) -> UnixTime {
        let retry_at = self.trouble.as_ref().map_or(UnixTime::from_secs(0), |trouble| trouble.retry_at);
        let refresh_at = self
            .held
            .as_ref()
            .filter(|held| !held.condemned)
            .map_or(UnixTime::from_secs(0), |held| held.plan.refresh_at);
        refresh_at.max(retry_at)
    }

    pub(super) fn is_due(&self, now: UnixTime) -> bool {
        self.under_way.is_none() && self.due_at() <= now
    }

    pub(super) fn start(&mut self, call: Call, now: UnixTime) {
        if call == Call::ForcedRefresh {
            let count = if self.forced.day == now.beijing_day() { self.forced.count } else { 0 };
            self.forced = Forced { day: now.beijing_day(), count: count + 1, last_at: Some(now) };
        }
        self.under_way = Some(UnderWay { call, sent_at: now });
    }

    /// Ends the call that was sent at `sent_at`; `None` when that is not the one under way: its
    /// outcome comes too late to be told apart from what happened since.
    pub(super) fn end_call(&mut self, sent_at: UnixTime) -> Option<Call> {
        let call = self.under_way.filter(|call| call.sent_at == sent_at)?;
        self.under_way = None;
        Some(call.call)
    }

    /// Whether one more forced refresh is within WeChat's limits.
    pub(super) fn may_force(&self, now: UnixTime) -> bool {
        let today = self.forced.day == now.beijing_day();
        let rested = self.forced.last_at.is_none_or(|last| last.until(now) >= FORCED_APART_S);
        rested && (!today || self.forced.count < FORCED_PER_DAY)
    }

    /// Plain API: the call sent at `sent_at` may have rotated the token behind our back.
    pub(super) fn light_fuse(&mut self, sent_at: UnixTime) {
        let fuse_s = if self.rotation_lost { 0 } else { FUSE_S };
        self.rotation_lost = true;
        if let Some(held) = &mut self.held {
            held.plan.expires_at = held.plan.expires_at.min(sent_at.plus(fuse_s));
            held.plan.wait_from = held.plan.wait_from.min(held.plan.expires_at);
        }
    }

    /// Whether the store holds what it should: the newest version, with an end of life that is not
    /// far off. Every write to the store costs, so a confirmation by itself is no reason for one.
    pub fn is_stored(&self) -> bool {
        let held = self.held.as_ref().filter(|held| !held.condemned);
        match (held, self.stored) {
            (None, None) => true,
            (Some(held), Some(stored)) => {
                let (ours, theirs) = (held.plan.expires_at, stored.expires_at);
                stored.version == self.version
                    && ours.until(theirs) <= STORED_LATER_S
                    && theirs.until(ours) <= STORED_SOONER_S
            }
            _ => false,
        }
    }

    /// When the store is to be brought in line; `None` when it is.
    pub(super) fn publish_at(&self) -> Option<UnixTime> {
        // A condemned value is withdrawn only once its replacement has failed to come.
        let replacing = self.under_way.is_some() && self.held.as_ref().is_none_or(|held| held.condemned);
        (!replacing && !self.is_stored()).then(|| self.publish_after.unwrap_or(UnixTime::from_secs(0)))
    }

    /// Somebody did not find the record in the store.
    pub(super) fn store_lost(&mut self, now: UnixTime) {
        self.stored = self.stored.filter(|stored| stored.at.until(now) < STORE_BEHIND_S);
    }

    pub(super) fn published(&mut self, stored: Option<Stored>) {
        self.stored = stored;
        self.publish_after = None;
    }

    pub(super) fn publish_failed(&mut self, now: UnixTime) {
        self.publish_after = Some(now.plus(PUBLISH_AGAIN_S));
    }

    /// When the Keeper has something to do again at the latest.
    pub(super) fn wake_at(&self) -> UnixTime {
        let refresh =
            self.under_way.map_or_else(|| self.due_at(), |call| call.sent_at.plus(CALL_LOST_AFTER_S));
        [self.publish_at(), self.check_at].into_iter().flatten().fold(refresh, UnixTime::min)
    }

    /// What may be shown of it.
    pub fn status(&self, now: UnixTime) -> Status {
        let live = self.live(now);
        let state = match (live, &self.trouble) {
            (None, None) if self.version == Version::NONE => "empty",
            (None, _) => "down",
            (Some(_), Some(_)) => "retrying",
            (Some(_), None) => "ok",
        };
        Status {
            state: state.to_owned(),
            version: self.version.number(),
            expires_in: self.left_s(now),
            expires_at: live.map(|held| held.plan.expires_at),
            next_refresh_at: Some(self.due_at()).filter(|at| at.as_secs() > 0),
            last_success_at: self.last_success,
            age_known: live.is_none_or(|held| held.life.age_known()),
            trouble: self.trouble.clone(),
        }
    }
}
