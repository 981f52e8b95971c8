//! A person wants the credential tried now, without waiting for the plan or for the pause after a failure.
//!
//! Nothing that protects a living token gives way to it: no forced refresh, no early rotation of a plain token (copies
//! of it are trusted by its plan), no second rotation within the fuse, nothing beyond the ledger.

use super::answer::PROBE_APART_S;
use super::ledger::Purpose;
use super::reply::Failure;
use super::{Call, Turn};
use crate::time::UnixTime;

/// Two refreshes that people ask for are so far apart: while something fails, and while nothing does.
const FAILING_APART_S: u64 = 10;
const SOUND_APART_S: u64 = 60;

impl Turn {
    /// Asks the provider for the credential, if that is safe; a plain token that lives and is not due is probed instead.
    pub(super) fn demand(&mut self) {
        let now = self.moment.now;
        if self.slot.under_way.is_some() || self.slot.revoking().is_some() {
            return;
        }
        let lives = self.slot.live(now).is_some();
        let apart_s = match &self.slot.trouble {
            // Nothing was sent the last time.
            Some(trouble) if trouble.failure == Failure::NoToken => 0,
            Some(_) => FAILING_APART_S,
            None if !lives => FAILING_APART_S,
            None => SOUND_APART_S,
        };
        let replaces = self.policy.replaces();
        if replaces && lives && now < self.slot.planned_at() {
            if self.slot.ledger.probe_from(&self.policy.limits) <= now
                && self.rested(self.slot.checked_at, PROBE_APART_S)
            {
                // What it finds is not counted against those who report.
                self.slot.cleared = self.slot.cleared.saturating_sub(1);
                self.check();
            }
        } else if !(replaces && lives && self.slot.rotation_lost)
            && self.slot.ledger.refresh_from(&self.policy.limits, Purpose::Unplanned) <= now
            && self.rested(self.slot.ledger.refreshed_at(), apart_s)
        {
            self.start(if self.needs_knock() { Call::Knock } else { Call::Refresh });
        }
    }

    fn rested(&self, last: Option<UnixTime>, apart_s: u64) -> bool {
        last.is_none_or(|last| last.until(self.moment.now) >= apart_s)
    }
}
