//! When the Keeper's alarm rings.

use crate::time::UnixTime;

/// What is due already, and was not done, is looked at again after this.
const SOON_MS: u64 = 1_000;

/// An alarm that has not rung so long after its time is not believed to come.
const LATE_MS: u64 = 5_000;

/// An alarm while a write to the store is under way is only there for a Keeper that is killed: a save has two steps, of
/// 5 s at most.
const WHILE_PUBLISHING_MS: u64 = 15_000;

/// The alarm as it was set last.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    at_ms: Option<u64>,
}

impl Alarm {
    /// It rings, or could not be set: none stands any more.
    pub(super) const fn is_gone(&mut self) {
        self.at_ms = None;
    }

    /// Plans it for the next moment at which something is due; gives back when it is to be set, if that is another time
    /// than before.
    pub(super) fn plan(&mut self, planned: UnixTime, publishing: bool, now_ms: u64) -> Option<u64> {
        let planned_ms = planned.as_secs().saturating_mul(1000);
        let overdue = planned_ms <= now_ms;
        let overdue_ms = if publishing { WHILE_PUBLISHING_MS } else { SOON_MS };
        let ring_ms = if overdue { now_ms + overdue_ms } else { planned_ms };
        // Requests must not keep postponing an overdue alarm.
        let stands = |at: u64| at == ring_ms || (overdue && at <= ring_ms && at + LATE_MS > now_ms);
        if self.at_ms.is_some_and(stands) {
            return None;
        }
        self.at_ms = Some(ring_ms);
        self.at_ms
    }
}
