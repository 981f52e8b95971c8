//! Tokens that die before their time without our doing: somebody else rotates this appid.
//!
//! A caller reports the token, the provider confirms that it is dead, and no call of ours can have done it.
//! That is told once a day at most, because the cure (find the other one) takes people their time.

use super::slot::Slot;
use super::{Alert, Turn};
use crate::time::UnixTime;
use serde::{Deserialize, Serialize};

/// After so long without one more, the next is a new incident.
const INCIDENT_S: u64 = 24 * 3600;

/// A token that is dead so shortly before its end has died of age.
const OF_AGE_S: u64 = 60;

/// Tokens that somebody else has killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outsider {
    /// The first of this incident.
    pub first_at: UnixTime,
    /// The newest.
    pub last_at: UnixTime,
    /// How many.
    pub count: u32,
}

impl Slot {
    /// The incident, while it may still be going on.
    pub(super) fn outsider_at(&self, now: UnixTime) -> Option<Outsider> {
        self.outsider.filter(|outsider| outsider.last_at.until(now) < INCIDENT_S)
    }

    /// Whether a call of ours may have rotated the token behind our back, or will have.
    fn may_have_rotated_it(&self) -> bool {
        let lost = self.trouble.as_ref().is_some_and(|trouble| trouble.failure.may_have_rotated());
        lost || self.rotation_lost || self.force_lost || self.revoking().is_some()
    }
}

impl Turn {
    /// The provider has called the held token dead.
    pub(super) fn found_dead(&mut self) {
        let now = self.moment.now;
        if self.slot.left_s(now) <= OF_AGE_S || self.slot.may_have_rotated_it() {
            return;
        }
        let outsider = match self.slot.outsider_at(now) {
            Some(before) => Outsider { last_at: now, count: before.count + 1, ..before },
            None => {
                self.effects.alerts.push(Alert::KilledOutside);
                Outsider { first_at: now, last_at: now, count: 1 }
            }
        };
        self.slot.outsider = Some(outsider);
    }
}
