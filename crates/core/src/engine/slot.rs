//! Everything that is known about one credential of one app, and persisted.

mod publishing;

use super::ledger::{Ledger, Purpose};
use super::outsider::Outsider;
use super::policy::RotationPolicy;
use super::reply::Failure;
use super::revoke::Revoke;
use super::schedule::{Life, Plan};
use super::{Call, CallId};
use crate::app::Identity;
use crate::credential::{Value, Version};
use crate::record::{Published, Record};
use crate::time::UnixTime;
use serde::{Deserialize, Serialize};

/// A call that has not ended for this long never will: whoever made it is gone.
const CALL_LOST_AFTER_S: u64 = 30;

/// Readers who got nothing come again within this time, or want it no more.
const MISSED_FOR_S: u64 = 60;

/// So many retries of a planned refresh may use the ledger's reserve.
const PLANNED_RETRIES: u32 = 12;

/// The clocks of a reader and of the Keeper may differ by this much. Tokens have a whole minute to
/// spare; a ticket is handed out to the end.
const CLOCKS_APART_S: u64 = 2;

/// The state of one credential. [`super::decide`] is the only way to change it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// Of the newest value ever held; survives the loss of the value.
    pub(super) version: Version,
    /// The identity under which the Keeper serves the app.
    pub(super) identity: Option<Identity>,
    pub(super) held: Option<Held>,
    pub(super) under_way: Option<UnderWay>,
    /// Of the newest call.
    #[serde(default, skip_serializing_if = "CallId::is_none")]
    last_call: CallId,
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
    /// How often in a row a check after a report has not condemned the held token.
    pub(super) cleared: u32,
    /// Stable API: the reply of a forced refresh was lost, and no reply has come since. The normal mode
    /// tells which token is the current one.
    #[serde(default)]
    pub(super) force_lost: bool,
    #[serde(default)]
    pub(super) ledger: Ledger,
    #[serde(default)]
    pub(super) revoke: Option<Revoke>,
    #[serde(default)]
    pub(super) outsider: Option<Outsider>,
    /// What the provider returned with the newest value, to be sent for the next one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) refresh_token: Option<Value>,
    /// The call under way was made because the provider had refused the value.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) doubted: bool,
    /// When a reader last got nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) missed_at: Option<UnixTime>,
    /// What the store holds.
    stored: Option<Stored>,
    publish_after: Option<UnixTime>,
    #[serde(default)]
    publish_failures: u32,
    pub(super) last_success: Option<UnixTime>,
    /// When the newest value came.
    #[serde(default)]
    pub(super) rotated_at: Option<UnixTime>,
}

/// The value that is handed out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Held {
    pub(super) value: Value,
    pub(super) life: Life,
    pub(super) plan: Plan,
    /// The provider has said that it is dead.
    pub(super) condemned: bool,
}

/// A call that has been decided on and whose outcome is not known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct UnderWay {
    #[serde(default)]
    pub(super) id: CallId,
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
    /// When the newest attempt was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tried_at: Option<UnixTime>,
    /// What people have been told of this incident: codes, 0 for a failure without one.
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

/// Steps of a clock that is corrected are smaller than this.
const CLOCK_STEP_S: u64 = 60;

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

    /// The call under way.
    pub fn call_under_way(&self) -> Option<Call> {
        self.under_way.map(|call| call.call)
    }

    /// Whether `other` serves an app of another identity: another AppSecret, appid or token API.
    pub fn serves_another_than(&self, other: &Self) -> bool {
        self.identity.is_some() && self.identity != other.identity
    }

    /// Whether tokens before the held one were to be killed, within the life that they may have had.
    pub fn has_revoked(&self, now: UnixTime) -> bool {
        self.revoke.as_ref().is_some_and(|revoke| revoke.goes_on() || revoke.requested_at.until(now) < 7200)
    }

    /// Failures in a row; 0 when the last call brought what was asked for.
    pub fn failures(&self) -> u32 {
        self.trouble.as_ref().map_or(0, |trouble| trouble.count)
    }

    /// Which call is under way.
    pub fn call_id(&self) -> Option<CallId> {
        self.under_way.map(|call| call.id)
    }

    /// The held value, dead or alive: what a probe asks about.
    pub fn held_value(&self) -> Option<&Value> {
        self.held.as_ref().map(|held| &held.value)
    }

    /// What is to be sent for the next value, where the provider returned such a thing.
    pub const fn refresh_token(&self) -> Option<&Value> {
        self.refresh_token.as_ref()
    }

    /// Whether readers have lately got nothing.
    pub fn is_missed(&self, now: UnixTime) -> bool {
        self.missed_at.is_some_and(|at| at.until(now) < MISSED_FOR_S)
    }

    /// The held value as a published record: `None` when nothing may be handed out.
    pub fn record(&self, policy: &RotationPolicy) -> Option<Record> {
        let held = self.held.as_ref().filter(|held| !held.condemned)?;
        let Plan { expires_at, refresh_at, wait_from } = held.plan;
        // From the planned refresh on a value that asking replaces may go at any moment, and a copy of it does not
        // notice: it dies with the overlap, whatever its own end says.
        let trust_until = if policy.replaces() {
            wait_from.min(refresh_at.plus(policy.trusted_s()))
        } else if policy.is_observed() {
            wait_from.minus(CLOCKS_APART_S)
        } else {
            wait_from
        };
        // In a revocation the next forced refresh is at hand, and puts this one on its fuse.
        let trust_until = match (self.revoking(), held.life.issued_at()) {
            (Some(revoke), Some(issued_at)) if revoke.left > 0 => {
                trust_until.min(issued_at.plus(policy.trusted_s()))
            }
            _ => trust_until,
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

    /// What the store is to hold at `now`.
    pub fn to_publish(&self, policy: &RotationPolicy, now: UnixTime) -> Published {
        self.record(policy).map_or(Published::Withdrawn { version: self.version, at: now }, Published::Record)
    }

    /// The held value, if it may be handed out at `now`.
    pub(super) fn live(&self, now: UnixTime) -> Option<&Held> {
        let at_risk = self.rotation_lost && self.under_way.is_some_and(|call| call.call.fetches());
        self.held.as_ref().filter(|held| !held.condemned && !at_risk && now < held.plan.expires_at)
    }

    /// Seconds for which the held value may still be handed out.
    pub(super) fn left_s(&self, now: UnixTime) -> u64 {
        self.live(now).map_or(0, |held| now.until(held.plan.expires_at))
    }

    /// Whether a value is held that may be handed out.
    pub fn lives(&self, now: UnixTime) -> bool {
        self.live(now).is_some()
    }

    /// Whether a second rotation would cost anything: a value is held that may be handed out, now or when the call under
    /// way has turned out to have replaced nothing.
    pub fn has_something_to_lose(&self, now: UnixTime) -> bool {
        self.held.as_ref().is_some_and(|held| !held.condemned && now < held.plan.expires_at)
    }

    /// What was noted while our clock was ahead does not hold up anything for as long as it was ahead.
    pub(super) fn set_right(&mut self, policy: &RotationPolicy, now: UnixTime) {
        let is_ahead = |at: UnixTime| at > now.plus(CLOCK_STEP_S);
        self.bound_life(policy, now);
        if let Some(call) = self.under_way.as_mut().filter(|call| is_ahead(call.sent_at)) {
            call.sent_at = now;
        }
        if let Some(trouble) = self.trouble.as_mut().filter(|trouble| trouble.tried_at.is_some_and(is_ahead))
        {
            (trouble.retry_at, trouble.tried_at) = (now, Some(now));
        }
        self.publish_within_pause(now);
    }

    /// A value that would live longer than any does came while our clock was ahead. It is replaced now; until then it is
    /// believed for as long as one can live, unless its age is known by sights alone, which are in the future.
    fn bound_life(&mut self, policy: &RotationPolicy, now: UnixTime) {
        let latest = now.plus(policy.longest_s);
        let Some(held) = self.held.as_mut().filter(|held| held.plan.expires_at > latest.plus(CLOCK_STEP_S))
        else {
            return;
        };
        let Some(life) = held.life.stated_anew(now) else {
            self.held = None;
            return;
        };
        held.life = life;
        held.plan = Plan { expires_at: latest, wait_from: held.plan.wait_from.min(latest), refresh_at: now };
    }

    /// When the next refresh is wanted.
    pub(super) fn wanted_at(&self) -> UnixTime {
        let retry_at = self.trouble.as_ref().map_or(UnixTime::from_secs(0), |trouble| trouble.retry_at);
        self.planned_at().max(retry_at)
    }

    /// When the held value is to be replaced, whatever has failed since; 0 for at once.
    pub(super) fn planned_at(&self) -> UnixTime {
        let held = self.held.as_ref().filter(|held| !held.condemned);
        held.map_or(UnixTime::from_secs(0), |held| held.plan.refresh_at)
    }

    /// When the next refresh is wanted and the ledger allows it.
    pub(super) fn due_at(&self, policy: &RotationPolicy) -> UnixTime {
        // A planned refresh that failed is still one for a while; a cure is not, nor is a loop.
        let condemned = self.held.as_ref().is_some_and(|held| held.condemned);
        let retries = self.trouble.as_ref().map_or(0, |trouble| trouble.count);
        let planned = !condemned && (retries == 0 || (self.held.is_some() && retries <= PLANNED_RETRIES));
        let purpose = if planned { Purpose::Planned } else { Purpose::Unplanned };
        self.wanted_at().max(self.ledger.refresh_from(&policy.limits, purpose))
    }

    pub(super) fn start(&mut self, policy: &RotationPolicy, call: Call, now: UnixTime) {
        self.ledger.enter(&policy.limits, call, now);
        self.last_call = self.last_call.next();
        self.under_way = Some(UnderWay { id: self.last_call, call, sent_at: now });
    }

    /// Ends a call; `None` when it is not the one under way: it was given up, and its outcome comes too late.
    pub(super) fn end_call(&mut self, id: CallId) -> Option<UnderWay> {
        let call = self.under_way.filter(|call| call.id == id)?;
        self.under_way = None;
        Some(call)
    }

    /// The call sent at `sent_at` may have replaced the value behind our back.
    pub(super) fn light_fuse(&mut self, overlap_s: u64, sent_at: UnixTime) {
        let fuse_s = if self.rotation_lost { 0 } else { overlap_s };
        self.rotation_lost = true;
        self.cut_short(sent_at, fuse_s);
    }

    /// The forced refresh sent at `sent_at` may have put the held value on its fuse.
    pub(super) fn lose_force(&mut self, overlap_s: u64, sent_at: UnixTime) {
        self.force_lost = true;
        self.cut_short(sent_at, overlap_s);
    }

    /// The held value lives for `fuse_s` more at most, and is to be replaced.
    fn cut_short(&mut self, sent_at: UnixTime, fuse_s: u64) {
        if let Some(held) = &mut self.held {
            held.plan.expires_at = held.plan.expires_at.min(sent_at.plus(fuse_s));
            held.plan.wait_from = held.plan.wait_from.min(held.plan.expires_at);
            held.plan.refresh_at = held.plan.refresh_at.min(sent_at);
        }
    }

    /// When a call may be due again at the latest.
    pub(super) fn call_at(&self, policy: &RotationPolicy) -> UnixTime {
        let quiet = self.under_way.is_none();
        let refresh =
            self.under_way.map_or_else(|| self.due_at(policy), |call| call.sent_at.plus(CALL_LOST_AFTER_S));
        let revoke = self.revoke_from(policy).filter(|_| quiet);
        [self.check_at, revoke].into_iter().flatten().fold(refresh, UnixTime::min)
    }
}
