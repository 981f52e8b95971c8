//! Revoking a token that has leaked: two forced refreshes, because the first one leaves the token
//! before alive for up to 300 s, and the second one kills it at once (api_getstableaccesstoken).
//!
//! The two are 30 s apart and kept in the ledger; the alarm drives them, and a restart between the two
//! changes nothing. After a lost reply an ordinary refresh finds out whether it was one of the two.

use super::backoff::retry_at;
use super::ledger::Force;
use super::policy::RotationPolicy;
use super::reply::Failure;
use super::slot::Slot;
use super::{Alert, Call, Turn};
use crate::credential::Version;
use crate::time::UnixTime;
use serde::{Deserialize, Serialize};

/// So many rotations kill a token at once.
const ROTATIONS: u8 = 2;

/// A token that nothing is known of lives so long at most.
const LONGEST_LIFE_S: u64 = 7200;

/// The clocks of the provider and ours, and a call's time.
const MARGIN_S: u64 = 60;

/// The newest revocation of an app's token; it stays to be seen after its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revoke {
    /// When somebody asked for it.
    pub requested_at: UnixTime,
    /// It concerns the token of this version, and all before it.
    pub covers: Version,
    /// Forced refreshes that are still to come.
    pub left: u8,
    /// When the token is dead in any case.
    pub dead_at: UnixTime,
    /// Why the last step failed, and how often in a row; when it is tried again.
    pub failure: Option<(Failure, u32, UnixTime)>,
    /// When the token was known to be dead.
    pub finished_at: Option<UnixTime>,
}

impl Revoke {
    /// Whether the token may still be alive.
    pub const fn goes_on(&self) -> bool {
        self.finished_at.is_none()
    }
}

impl Slot {
    /// The revocation that is going on.
    pub(super) fn revoking(&self) -> Option<&Revoke> {
        self.revoke.as_ref().filter(|revoke| revoke.goes_on())
    }

    /// When the next step of a revocation is due.
    pub(super) fn revoke_from(&self, policy: &RotationPolicy) -> Option<UnixTime> {
        let revoke = self.revoking()?;
        // What a lost call has done is found out first, by an ordinary refresh.
        if self.rotation_lost || self.force_lost || revoke.left == 0 {
            return Some(revoke.dead_at);
        }
        let retry_at = revoke.failure.as_ref().map_or(UnixTime::from_secs(0), |(_, _, retry_at)| *retry_at);
        Some(self.ledger.force_from(&policy.limits, Force::Revoke).max(retry_at).min(revoke.dead_at))
    }

    /// The same, as people want to know it.
    pub(super) fn revoke_next_at(&self, policy: &RotationPolicy, now: UnixTime) -> Option<UnixTime> {
        let step = self.revoke_from(policy)?;
        let lost = self.rotation_lost || self.force_lost;
        Some(if lost { step.min(self.due_at(policy)) } else { step }.max(now))
    }

    fn dead_at(&self, policy: &RotationPolicy, now: UnixTime) -> UnixTime {
        let end = self.held.as_ref().map_or(now.plus(LONGEST_LIFE_S), |held| held.plan.expires_at);
        end.max(now).plus(policy.overlap_s().saturating_add(MARGIN_S))
    }
}

impl Turn {
    /// A caller asks for the held token to be killed. While steps are left, asking again costs no more of them: they
    /// put the token that is held now on its fuse as well.
    pub(super) fn revoke(&mut self) {
        let (now, covers) = (self.moment.now, self.slot.version);
        let dead_at = self.slot.dead_at(&self.policy, now);
        match self.slot.revoke.as_mut().filter(|revoke| revoke.goes_on() && revoke.left > 0) {
            Some(revoke) if revoke.covers == covers => {}
            Some(revoke) => (revoke.covers, revoke.dead_at) = (covers, dead_at),
            None => {
                let (left, failure, finished_at) = (ROTATIONS, None, None);
                self.slot.revoke =
                    Some(Revoke { requested_at: now, covers, left, dead_at, failure, finished_at });
                self.effects.alerts.push(Alert::Revoking);
            }
        }
        self.revoke_if_due();
    }

    /// The next step, when its time has come.
    pub(super) fn revoke_if_due(&mut self) {
        let now = self.moment.now;
        let due = self.slot.revoke_from(&self.policy).is_some_and(|at| at <= now);
        if !due || self.slot.under_way.is_some() {
            return;
        }
        if self.slot.revoking().is_some_and(|revoke| revoke.dead_at <= now) {
            self.finish_revoke();
        } else {
            self.start(if self.needs_knock() { Call::Knock } else { Call::ForcedRefresh });
        }
    }

    /// A forced refresh has brought a new token. What was held before it is on its fuse.
    pub(super) fn revoked_once(&mut self) {
        let (now, overlap_s, version) = (self.moment.now, self.policy.overlap_s(), self.slot.version);
        let Some(revoke) = self.slot.revoke.as_mut().filter(|revoke| revoke.goes_on()) else { return };
        revoke.left = revoke.left.saturating_sub(1);
        revoke.dead_at = revoke.dead_at.min(now.plus(overlap_s.saturating_add(MARGIN_S)));
        revoke.failure = None;
        // One that came with the first step, and was asked for then, is on its fuse only.
        let rotations = version.number().saturating_sub(revoke.covers.number());
        if revoke.left == 0 && rotations >= u64::from(ROTATIONS) {
            self.finish_revoke();
        }
    }

    /// The provider has refused a step, and nothing was rotated: the token that lives is in no trouble.
    pub(super) fn revoke_refused(&mut self, failure: Failure) {
        let (now, class) = (self.moment.now, self.policy.class(&failure));
        let (dice, day_offset_s) = (self.moment.dice, self.policy.limits.day_offset_s);
        let Some(revoke) = self.slot.revoke.as_mut().filter(|revoke| revoke.goes_on()) else { return };
        let count = revoke.failure.as_ref().map_or(0, |(_, count, _)| *count) + 1;
        let retry_at = retry_at(day_offset_s, class, count, now, 0, dice);
        if count == 1 {
            self.effects.alerts.push(Alert::Failing(failure.clone()));
        }
        revoke.failure = Some((failure, count, retry_at));
    }

    fn finish_revoke(&mut self) {
        if let Some(revoke) = &mut self.slot.revoke {
            revoke.finished_at = Some(self.moment.now);
            self.effects.alerts.push(Alert::Revoked);
            // Meanwhile records were trusted for minutes only.
            self.slot.publish_again();
        }
    }
}
