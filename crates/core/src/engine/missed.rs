//! Nothing is left to serve, and readers ask: then there is nothing to protect, and a pause must not outlive the outage.
//!
//! Within the ledger's pace attempts follow each other within seconds while readers ask. Without readers the pauses grow,
//! and so they do where a person has to act.

use super::reply::{Class, Failure};
use super::{Patience, Turn};

/// After an attempt that was not answered, or not by the provider, the next is sent this long after it was sent, …
const NO_REPLY_S: u64 = 5;
const NO_REPLY_JITTER_S: u64 = 4;

/// … and not sooner than this after it has failed.
const AFTER_FAILURE_S: u64 = 1;

/// After a provider that is busy, or unwell.
const BUSY_FIRST_S: u64 = 10;
const BUSY_LONGEST_S: u64 = 25;
const BUSY_JITTER_S: u64 = 6;

/// That readers miss it is noted again after this time: each note is a commit.
const NOTED_AGAIN_S: u64 = 20;

impl Turn {
    /// A reader asks. Where nothing is left for it, the next attempt is not far.
    pub(super) fn miss(&mut self) {
        let now = self.moment.now;
        if self.slot.live(now).is_some() {
            return;
        }
        if self.slot.missed_at.is_none_or(|at| at.until(now) >= NOTED_AGAIN_S) {
            self.slot.missed_at = Some(now);
        }
        self.hurry();
    }

    /// Brings the next attempt forward, if the failure may pass by itself.
    pub(super) fn hurry(&mut self) {
        let (now, policy, dice) = (self.moment.now, self.policy, u64::from(self.moment.dice));
        if self.slot.live(now).is_some() {
            return;
        }
        let Some(trouble) = &mut self.slot.trouble else { return };
        let tried_at = trouble.tried_at.unwrap_or(trouble.since);
        let after_s = match &trouble.failure {
            Failure::Garbled | Failure::Unreachable => NO_REPLY_S + dice % NO_REPLY_JITTER_S,
            Failure::NoToken => NO_REPLY_S,
            Failure::DeadAgain | Failure::LedgerFull => return,
            Failure::Unwell | Failure::Refused(_) => {
                if !matches!(policy.class(&trouble.failure), Class::Soon | Class::Minute | Class::DeadToken) {
                    return;
                }
                let doubled_s = BUSY_FIRST_S << trouble.count.saturating_sub(1).min(2);
                doubled_s.min(BUSY_LONGEST_S - BUSY_JITTER_S) + dice % BUSY_JITTER_S
            }
        };
        let at = tried_at.plus(after_s).max(now.plus(AFTER_FAILURE_S));
        trouble.retry_at = trouble.retry_at.min(at);
    }

    /// A child wants the value. That readers want it would show in the child.
    pub(super) fn lend(&mut self) {
        self.refresh_if_due();
        self.answer_read(0, Patience::Left);
    }

    /// What failed for want of a parent, or with a dead one, is tried at once.
    pub(super) fn parent_is_back(&mut self) {
        let policy = self.policy;
        let waits =
            |failure: &Failure| *failure == Failure::NoToken || policy.class(failure) == Class::DeadToken;
        if let Some(trouble) = self.slot.trouble.as_mut().filter(|trouble| waits(&trouble.failure)) {
            trouble.retry_at = self.moment.now;
            self.refresh_if_due();
        }
    }
}
