//! Counters of calls: by the Beijing day, and by the minute.

use crate::knobs::Millis;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use zhongkong_core::time::UnixTime;

/// What one account has used of its quotas.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Quota {
    day: u64,
    used: BTreeMap<String, u32>,
    minute: u64,
    in_minute: u32,
    clears: Clears,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Clears {
    month: u64,
    count: u32,
}

/// clear_quota may be called so often a month.
const CLEARS_MONTHLY: u32 = 10;

/// The number of the Beijing day of a moment.
pub(crate) const fn day(now: Millis) -> u64 {
    UnixTime::from_millis(now).day(8 * 3600)
}

impl Quota {
    /// Counts one call against `daily`, and against `minutely` where there is one.
    ///
    /// # Errors
    /// 45011 or 45009 when a quota is used up; such a call is not counted.
    pub(crate) fn count(
        &mut self,
        now: Millis,
        path: &str,
        daily: u32,
        minutely: Option<u32>,
    ) -> Result<(), i64> {
        self.roll(now);
        if minutely.is_some_and(|most| self.in_minute >= most) {
            return Err(45011);
        }
        let used = self.used.entry(path.to_owned()).or_default();
        if *used >= daily {
            return Err(45009);
        }
        *used += 1;
        self.in_minute += u32::from(minutely.is_some());
        Ok(())
    }

    /// How often a path was called today.
    pub fn used(&mut self, now: Millis, path: &str) -> u32 {
        self.roll(now);
        self.used.get(path).copied().unwrap_or(0)
    }

    /// clear_quota: ten times a month.
    ///
    /// # Errors
    /// 48006 when it is used up.
    pub(crate) fn clear(&mut self, now: Millis) -> Result<(), i64> {
        // Thirty days are month enough here.
        let month = day(now) / 30;
        if self.clears.month != month {
            self.clears = Clears { month, count: 0 };
        }
        if self.clears.count >= CLEARS_MONTHLY {
            return Err(48006);
        }
        self.clears.count += 1;
        self.used.clear();
        Ok(())
    }

    fn roll(&mut self, now: Millis) {
        if self.day != day(now) {
            self.day = day(now);
            self.used.clear();
        }
        if self.minute != now / 60_000 {
            self.minute = now / 60_000;
            self.in_minute = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_ends_at_midnight_in_beijing() {
        let mut quota = Quota::default();
        let evening = 1_795_276_800_000 - 1000;
        assert_eq!(quota.count(evening, "/a", 1, None), Ok(()));
        assert_eq!(quota.count(evening, "/a", 1, None), Err(45009));
        assert_eq!(quota.count(evening, "/b", 1, None), Ok(()));
        assert_eq!(quota.count(evening + 1000, "/a", 1, None), Ok(()));
    }

    #[test]
    fn the_minute_has_a_limit_of_its_own() {
        let mut quota = Quota::default();
        assert_eq!(quota.count(0, "/a", 9, Some(1)), Ok(()));
        assert_eq!(quota.count(59_999, "/a", 9, Some(1)), Err(45011));
        assert_eq!(quota.count(60_000, "/a", 9, Some(1)), Ok(()));
        assert_eq!(quota.used(60_000, "/a"), 2);
    }

    #[test]
    fn clearing_is_limited() {
        let mut quota = Quota::default();
        for _ in 0..10 {
            assert_eq!(quota.clear(0), Ok(()));
        }
        assert_eq!(quota.clear(0), Err(48006));
        assert_eq!(quota.clear(31 * 86_400_000), Ok(()));
    }
}
