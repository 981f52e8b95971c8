//! What those who ask are told: readers, and those who report a credential as dead.

use super::ledger::Purpose;
use super::policy::Check;
use super::{Answer, Call, Patience, Turn};
use crate::digest::Sha256Digest;
use crate::time::UnixTime;

/// A reported token is probed no more often than this, and less and less often while the provider calls it
/// alive each time; a reported ticket is asked for no more often than that.
pub(super) const PROBE_APART_S: u64 = 30;
const PROBE_APART_LONGEST_S: u64 = 300;

/// A check answers all reports that come so soon after it began: those of callers who wait for it.
const CHECK_ANSWERS_S: u64 = 8;

/// A `Retry-After` while a call is under way.
const CALL_TAKES_S: u64 = 2;

/// The longest `Retry-After`: a person may mend the cause at any time.
const LONGEST_RETRY_S: u64 = 600;

impl Turn {
    /// Hands out the value. It waits for a refresh only in the value's last minute, or when less
    /// is left than the reader wishes for and a refresh is due anyway.
    pub(super) fn read(&mut self, min_ttl_s: u64, patience: Patience) {
        self.miss();
        self.refresh_if_due();
        self.revoke_if_due();
        self.renew_early_for(min_ttl_s);
        self.answer_read(min_ttl_s, patience);
    }

    /// What a reader is told as things are.
    pub(super) fn answer_read(&mut self, min_ttl_s: u64, patience: Patience) {
        let now = self.moment.now;
        let enough = self
            .slot
            .live(now)
            .is_some_and(|held| now < held.plan.wait_from && now.until(held.plan.expires_at) >= min_ttl_s);
        let coming = match self.slot.under_way {
            Some(call) => call.call != Call::Probe,
            None => now.until(self.slot.due_at(&self.policy)) <= self.policy.waited_for_s(),
        };
        let condemned = self.slot.held.as_ref().is_some_and(|held| held.condemned);
        if !enough && patience == Patience::Left && (coming || (condemned && self.slot.under_way.is_some())) {
            self.effects.answer = Some(Answer::Wait);
        } else {
            self.serve_or_refuse();
        }
    }

    /// Refreshes ahead of the plan for a reader who wishes for more than is left, where the rules allow it.
    fn renew_early_for(&mut self, min_ttl_s: u64) {
        let now = self.moment.now;
        let wished = self.slot.live(now).is_some_and(|held| {
            now.until(held.plan.expires_at) < min_ttl_s && held.life.renews_early(&self.policy, now)
        });
        let ledger_from = self.slot.ledger.refresh_from(&self.policy.limits, Purpose::Unplanned);
        if wished && self.slot.under_way.is_none() && self.slot.trouble.is_none() && ledger_from <= now {
            self.start(Call::Refresh);
        }
    }

    /// A report that a value is dead. Acted on only if it names the value that is held; then a
    /// token is probed, and a ticket asked for again. Everybody else gets the current value.
    pub(super) fn stale_report(&mut self, digest: Sha256Digest, patience: Patience) {
        let now = self.moment.now;
        let names_held =
            self.slot.held.as_ref().is_some_and(|held| !held.condemned && held.value.digest() == digest);
        if !names_held {
            return self.read(0, patience);
        }
        let apart_s = match self.policy.check {
            Check::AskAgain { apart_s } => apart_s,
            Check::Probe => {
                (PROBE_APART_S << self.slot.cleared.saturating_sub(1).min(4)).min(PROBE_APART_LONGEST_S)
            }
        };
        let rested = self.slot.checked_at.is_none_or(|at| at.until(now) >= apart_s);
        if self.slot.under_way.is_none() && rested && self.may_check_from() <= now {
            self.check();
        } else if self.slot.under_way.is_none() && !self.is_answered_by_last_check() {
            // It may have died since the last check: it is checked when the pause is over.
            let rested_at = self.slot.checked_at.map_or(now, |at| at.plus(apart_s));
            self.slot.check_at = Some(rested_at.max(self.may_check_from()));
        }
        if self.slot.under_way.is_some() && patience == Patience::Left {
            self.effects.answer = Some(Answer::Wait);
        } else {
            self.serve_or_refuse();
        }
    }

    /// Checks the held value at the provider.
    pub(super) fn check(&mut self) {
        self.slot.checked_at = Some(self.moment.now);
        self.slot.checked_version = self.slot.version;
        self.slot.check_at = None;
        self.start(if self.policy.check == Check::Probe { Call::Probe } else { Call::Refresh });
    }

    /// Whether a report that comes now was waiting for the last check, or might as well have been.
    fn is_answered_by_last_check(&self) -> bool {
        self.slot.checked_version == self.slot.version
            && self.slot.checked_at.is_some_and(|at| at.until(self.moment.now) <= CHECK_ANSWERS_S)
    }

    /// Makes the check that a report has asked for, when its time has come.
    pub(super) fn check_if_due(&mut self) {
        let due = self.slot.check_at.is_some_and(|at| at <= self.moment.now);
        let held = self.slot.held.as_ref().is_some_and(|held| !held.condemned);
        if due && !held {
            self.slot.check_at = None;
        } else if due && self.slot.under_way.is_none() {
            let from = self.may_check_from();
            if from <= self.moment.now {
                self.check();
            } else {
                self.slot.check_at = Some(from);
            }
        }
    }

    /// A ticket that cannot be fetched just now is not asked for because of a report, and no check
    /// goes beyond the ledger.
    fn may_check_from(&self) -> UnixTime {
        match self.policy.check {
            Check::AskAgain { .. } => {
                let retry_at =
                    self.slot.trouble.as_ref().map_or(UnixTime::from_secs(0), |trouble| trouble.retry_at);
                self.slot.ledger.refresh_from(&self.policy.limits, Purpose::Unplanned).max(retry_at)
            }
            Check::Probe => self.slot.ledger.probe_from(&self.policy.limits),
        }
    }

    /// What is there, or a refusal.
    pub(super) fn serve_or_refuse(&mut self) {
        let now = self.moment.now;
        let record = self.slot.live(now).and_then(|_| self.slot.record(&self.policy));
        self.effects.answer = Some(record.map_or_else(
            || Answer::Unavailable {
                retry_after_s: match self.slot.under_way {
                    Some(_) => CALL_TAKES_S,
                    None => now.until(self.slot.due_at(&self.policy)).clamp(1, LONGEST_RETRY_S),
                },
                failure: self.slot.trouble.as_ref().map(|trouble| trouble.failure.clone()),
            },
            Answer::Serve,
        ));
    }
}
