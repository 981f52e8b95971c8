//! What the store holds of a slot, and when it is to be written.

use super::{Slot, Stored};
use crate::credential::Version;
use crate::time::UnixTime;

/// Pauses before a store that did not take a record is tried again: each write may cost.
const PUBLISH_AGAIN_S: u64 = 10;
const PUBLISH_AGAIN_LONGEST_S: u64 = 300;

/// The store's end of life may be so much later than ours, or so much sooner, before it is written
/// again: late sights of a ticket lengthen its life by seconds, and are not worth a write each.
const STORED_LATER_S: u64 = 30;
const STORED_SOONER_S: u64 = 120;

/// A record that a reader misses is believed to be lost after this time; before, the store may just
/// be behind.
const STORE_BEHIND_S: u64 = 600;

impl Slot {
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
    pub(in crate::engine) fn publish_at(&self) -> Option<UnixTime> {
        // A condemned value is withdrawn only once its replacement has failed to come.
        let replacing = self.under_way.is_some() && self.held.as_ref().is_none_or(|held| held.condemned);
        (!replacing && !self.is_stored()).then(|| self.publish_after.unwrap_or(UnixTime::from_secs(0)))
    }

    /// Whether the store is to be brought in line now.
    pub fn is_to_be_published(&self, now: UnixTime) -> bool {
        self.publish_at().is_some_and(|at| at <= now)
    }

    /// A reader found an older record in the store than was published, or none.
    pub(in crate::engine) fn store_shows(&mut self, version: Version, now: UnixTime) {
        self.stored =
            self.stored.filter(|stored| version >= stored.version || stored.at.until(now) < STORE_BEHIND_S);
    }

    /// The store holds a newer version than was ever held here: this Keeper has lost its memory. It goes
    /// on counting from there.
    pub(in crate::engine) fn store_ahead(&mut self, version: Version) {
        if version >= self.version {
            self.version = version.next();
        }
        self.stored = None;
        self.publish_after = None;
    }

    pub(in crate::engine) fn published(&mut self, stored: Option<Stored>) {
        self.stored = stored;
        self.publish_after = None;
        self.publish_failures = 0;
    }

    /// What the store holds is not what it should any more, although the value is the same.
    pub(in crate::engine) const fn publish_again(&mut self) {
        self.stored = None;
    }

    /// The next write comes within the longest pause, whatever a clock has said.
    pub(in crate::engine) fn publish_within_pause(&mut self, now: UnixTime) {
        self.publish_after = self.publish_after.map(|at| at.min(now.plus(PUBLISH_AGAIN_LONGEST_S)));
    }

    pub(in crate::engine) fn publish_failed(&mut self, now: UnixTime) {
        let pause_s = (PUBLISH_AGAIN_S << self.publish_failures.min(8)).min(PUBLISH_AGAIN_LONGEST_S);
        self.publish_failures = self.publish_failures.saturating_add(1);
        self.publish_after = Some(now.plus(pause_s));
    }
}
