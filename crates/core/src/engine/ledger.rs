//! The ledger: calls to the provider for one credential in one day of its quota, by kind, and when one more may be made.
//!
//! Day quotas are far above what a healthy centre needs, so that only a loop or a quarrel
//! spends them. The last fifth is a reserve for planned refreshes; everything else is paced there, so
//! that it lasts until midnight. At the limit one call an hour is left: somebody may have cleared the
//! quota, or it is larger than it was said to be.

use super::Call;
use super::policy::Limits;
use crate::time::UnixTime;
use serde::{Deserialize, Serialize};

/// Of the day's refreshes one in so many is reserved for planned ones; of the probes so many are paced.
const RESERVE_PART: u32 = 5;

/// In the reserve an unplanned refresh waits so long at least.
const PACE_AT_LEAST_S: u64 = 60;

/// At the limit.
const BEYOND_APART_S: u64 = 3600;

/// Why a refresh is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Its time has come, or nothing was ever held.
    Planned,
    /// A retry, or the cure of a dead value.
    Unplanned,
}

/// Why a forced refresh is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Force {
    /// The stable API gives out a dead token.
    Heal,
    /// A token has leaked.
    Revoke,
}

/// What was called on the day of the last call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Ledger {
    day: u64,
    refreshes: u32,
    forced: u32,
    probes: u32,
    refreshed_at: Option<UnixTime>,
    forced_at: Option<UnixTime>,
    probed_at: Option<UnixTime>,
}

/// The calls of one day, as they may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calls {
    /// Ordinary refreshes, and how many the day has.
    pub refreshes: Count,
    /// Of those, the last so many are for planned refreshes only.
    pub reserve: u32,
    /// Forced refreshes.
    pub forced: Count,
    /// Probes, knocks included.
    pub probes: Count,
    /// When the day of the quota ends.
    pub until: UnixTime,
}

/// So many of so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Made today.
    pub used: u32,
    /// Not more than these.
    pub limit: u32,
}

impl Ledger {
    /// Enters a call.
    pub(super) fn enter(&mut self, limits: &Limits, call: Call, now: UnixTime) {
        *self = self.on(limits, now);
        match call {
            Call::Refresh => {
                self.refreshes += 1;
                self.refreshed_at = Some(now);
            }
            Call::ForcedRefresh => {
                self.forced += 1;
                self.forced_at = Some(now);
            }
            Call::Probe | Call::Knock => {
                self.probes += 1;
                self.probed_at = Some(now);
            }
        }
    }

    /// A refresh was entered, and then nothing was sent.
    pub(super) const fn give_back_refresh(&mut self) {
        self.refreshes = self.refreshes.saturating_sub(1);
    }

    /// The ledger as it stands at `now`: a new day begins with nothing.
    fn on(self, limits: &Limits, now: UnixTime) -> Self {
        let day = now.day(limits.day_offset_s);
        if self.day == day {
            self
        } else {
            Self {
                day,
                refreshed_at: self.refreshed_at,
                forced_at: self.forced_at,
                probed_at: self.probed_at,
                ..Self::default()
            }
        }
    }

    /// When the last ordinary refresh was made.
    pub(super) const fn refreshed_at(&self) -> Option<UnixTime> {
        self.refreshed_at
    }

    /// When a refresh for this purpose may be made at the earliest; 0 for any time.
    pub(super) fn refresh_from(&self, limits: &Limits, purpose: Purpose) -> UnixTime {
        paced(limits, limits.refreshes, self.refreshes, self.refreshed_at, purpose)
    }

    /// When a probe may be made at the earliest; 0 for any time.
    pub(super) fn probe_from(&self, limits: &Limits) -> UnixTime {
        paced(limits, limits.probes, self.probes, self.probed_at, Purpose::Unplanned)
    }

    /// The reply of a forced refresh has come, or will never come: the pause counts from here.
    pub(super) const fn force_ended(&mut self, now: UnixTime) {
        self.forced_at = Some(now);
    }

    /// Whether the day's refreshes are used up.
    pub(super) fn is_full(&self, limits: &Limits, now: UnixTime) -> bool {
        self.on(limits, now).refreshes >= limits.refreshes
    }

    /// When a forced refresh may be made at the earliest; 0 for any time.
    pub(super) fn force_from(&self, limits: &Limits, why: Force) -> UnixTime {
        let Some(last) = self.forced_at else { return UnixTime::from_secs(0) };
        let most = match why {
            Force::Heal => limits.forced.saturating_sub(limits.forced_for_revoking),
            Force::Revoke => limits.forced,
        };
        let rested = last.plus(limits.forced_apart_s);
        if self.forced < most { rested } else { last.next_day(limits.day_offset_s).max(rested) }
    }

    /// The provider says that the day's forced refreshes are used up, whatever was counted here.
    pub(super) fn no_more_forced(&mut self, limits: &Limits, now: UnixTime) {
        *self = Self { forced: limits.forced, forced_at: Some(now), ..self.on(limits, now) };
    }

    /// What may be shown of it.
    pub(super) fn calls(&self, limits: &Limits, now: UnixTime) -> Calls {
        let today = self.on(limits, now);
        let limit = limits.refreshes;
        Calls {
            refreshes: Count { used: today.refreshes, limit },
            reserve: reserve(limit),
            forced: Count { used: today.forced, limit: limits.forced },
            probes: Count { used: today.probes, limit: limits.probes },
            until: now.next_day(limits.day_offset_s),
        }
    }
}

/// When one more of `limit` calls a day may be made, after `used` of them, the last at `last`.
fn paced(limits: &Limits, limit: u32, used: u32, last: Option<UnixTime>, purpose: Purpose) -> UnixTime {
    let (left, Some(last)) = (limit.saturating_sub(used), last) else {
        return UnixTime::from_secs(0);
    };
    let midnight = last.next_day(limits.day_offset_s);
    match (left, purpose) {
        (0, _) => last.plus(BEYOND_APART_S).min(midnight),
        (_, Purpose::Unplanned) if left <= reserve(limit) => {
            last.plus((last.until(midnight) / u64::from(left)).max(PACE_AT_LEAST_S)).min(midnight)
        }
        _ => UnixTime::from_secs(0),
    }
}

const fn reserve(limit: u32) -> u32 {
    limit / RESERVE_PART
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::wechat::policy::plain;
    use proptest::prelude::*;

    /// Midnight in Beijing.
    const MIDNIGHT: UnixTime = UnixTime::from_secs(1_795_276_800);
    const TEST_ACCOUNT: Limits = plain(1800, 200).limits;

    /// Calls as often as it may, each second for a day and a bit; how many that are.
    fn all_day(purpose: Purpose, seconds: u64) -> (Ledger, Vec<u64>) {
        let mut ledger = Ledger::default();
        let mut made = Vec::new();
        for second in 0..seconds {
            let now = MIDNIGHT.plus(second);
            if ledger.refresh_from(&TEST_ACCOUNT, purpose) <= now {
                ledger.enter(&TEST_ACCOUNT, Call::Refresh, now);
                made.push(second);
            }
        }
        (ledger, made)
    }

    #[test]
    fn what_is_not_planned_is_paced_in_the_reserve_and_lasts_until_midnight() {
        let (ledger, made) = all_day(Purpose::Unplanned, 86_400);
        assert_eq!(made.iter().filter(|at| **at < 200).count(), 160, "four fifths are free");
        assert!((195..=200).contains(&made.len()), "{}", made.len());
        assert!(made[made.len() - 1] > 80_000, "the last one is late in the day: {made:?}");
        assert!(ledger.refresh_from(&TEST_ACCOUNT, Purpose::Planned) <= MIDNIGHT.plus(86_400));
    }

    #[test]
    fn planned_refreshes_go_to_the_limit_and_then_once_an_hour() {
        let (ledger, made) = all_day(Purpose::Planned, 86_400);
        assert_eq!(made.iter().filter(|at| **at < 200).count(), 200);
        assert_eq!(made.len(), 200 + 23);
        assert!(ledger.is_full(&TEST_ACCOUNT, MIDNIGHT.plus(86_399)));
        assert!(!ledger.is_full(&TEST_ACCOUNT, MIDNIGHT.plus(86_400)));
        assert!(ledger.refresh_from(&TEST_ACCOUNT, Purpose::Unplanned) <= MIDNIGHT.plus(86_400));
    }

    #[test]
    fn forced_refreshes_keep_their_distance_and_some_for_revoking() {
        let mut ledger = Ledger::default();
        let mut made = Vec::new();
        for second in 0..2000 {
            let now = MIDNIGHT.plus(second);
            let why = if second < 1500 { Force::Heal } else { Force::Revoke };
            if ledger.force_from(&TEST_ACCOUNT, why) <= now {
                ledger.enter(&TEST_ACCOUNT, Call::ForcedRefresh, now);
                made.push(second);
            }
        }
        assert!(made.windows(2).all(|pair| pair[1] - pair[0] >= 30), "{made:?}");
        assert_eq!((made.iter().filter(|at| **at < 1500).count(), made.len()), (16, 20));
        assert_eq!(ledger.force_from(&TEST_ACCOUNT, Force::Revoke), MIDNIGHT.plus(86_400));
        let mut ledger = Ledger::default();
        ledger.no_more_forced(&TEST_ACCOUNT, MIDNIGHT);
        assert_eq!(ledger.force_from(&TEST_ACCOUNT, Force::Revoke), MIDNIGHT.plus(86_400));
    }

    #[test]
    fn a_new_day_begins_with_nothing_but_the_pause() {
        let mut ledger = Ledger::default();
        ledger.enter(&TEST_ACCOUNT, Call::ForcedRefresh, MIDNIGHT.plus(86_390));
        ledger.enter(&TEST_ACCOUNT, Call::Probe, MIDNIGHT.plus(86_401));
        let calls = ledger.calls(&TEST_ACCOUNT, MIDNIGHT.plus(86_401));
        assert_eq!((calls.forced.used, calls.probes.used), (0, 1));
        assert_eq!(ledger.force_from(&TEST_ACCOUNT, Force::Heal), MIDNIGHT.plus(86_421));
    }

    proptest! {
        /// However calls come, an allowed one is always in sight: nothing is blocked for ever.
        #[test]
        fn a_next_call_is_in_sight(calls in prop::collection::vec((0_u8..3, 0_u64..5000), 0..400)) {
            let (mut ledger, mut now) = (Ledger::default(), MIDNIGHT);
            for (kind, pause) in calls {
                now = now.plus(pause);
                ledger.enter(&TEST_ACCOUNT, [Call::Refresh, Call::ForcedRefresh, Call::Probe][usize::from(kind)], now);
                for purpose in [Purpose::Planned, Purpose::Unplanned] {
                    prop_assert!(ledger.refresh_from(&TEST_ACCOUNT, purpose) <= now.next_day(8 * 3600));
                }
                prop_assert!(ledger.force_from(&TEST_ACCOUNT, Force::Heal) <= now.next_day(8 * 3600).plus(31));
                prop_assert!(ledger.probe_from(&TEST_ACCOUNT) <= now.next_day(8 * 3600));
            }
        }
    }
}
