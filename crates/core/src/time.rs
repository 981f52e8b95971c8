//! Time as the core knows it: whole Unix seconds that somebody else read from a clock.

use serde::{Deserialize, Serialize};

/// Whole seconds since the Unix epoch, rounded down.
///
/// Rounding both the sending of a request and `now` down keeps the comparison `now < sent + life`
/// on the safe side: it turns false no later than the exact one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixTime(u64);

const DAY_S: u64 = 24 * 3600;

impl UnixTime {
    /// A moment given in whole seconds.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs)
    }

    /// A moment given in milliseconds, as JavaScript clocks do; rounded down.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis / 1000)
    }

    /// Whole seconds since the epoch.
    pub const fn as_secs(self) -> u64 {
        self.0
    }

    /// The moment `secs` later.
    #[must_use]
    pub const fn plus(self, secs: u64) -> Self {
        Self(self.0.saturating_add(secs))
    }

    /// The moment `secs` earlier, not before the epoch.
    #[must_use]
    pub const fn minus(self, secs: u64) -> Self {
        Self(self.0.saturating_sub(secs))
    }

    /// Seconds from here until `later`; 0 when `later` has passed.
    pub const fn until(self, later: Self) -> u64 {
        later.0.saturating_sub(self.0)
    }

    /// The number of the day, for days that begin `offset_s` before midnight UTC.
    pub const fn day(self, offset_s: u64) -> u64 {
        self.0.saturating_add(offset_s) / DAY_S
    }

    /// The beginning of the next such day, strictly later than this moment.
    #[must_use]
    pub const fn next_day(self, offset_s: u64) -> Self {
        Self((self.day(offset_s) + 1) * DAY_S - offset_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEIJING_S: u64 = 8 * 3600;

    #[test]
    fn beijing_midnight_is_sixteen_hundred_utc() {
        // 2026-11-21 11:36:00 UTC is 19:36 in Beijing; midnight there is 16:00 UTC.
        let evening = UnixTime::from_secs(1_795_260_960);
        assert_eq!(evening.next_day(BEIJING_S).as_secs(), 1_795_276_800);
        let midnight = evening.next_day(BEIJING_S);
        assert_eq!(evening.until(midnight), 15_840);
        assert_eq!(midnight.day(BEIJING_S), evening.day(BEIJING_S) + 1);
        assert_eq!(midnight.next_day(BEIJING_S), midnight.plus(86_400));
    }

    #[test]
    fn never_wraps() {
        assert_eq!(UnixTime::from_secs(5).minus(9), UnixTime::from_secs(0));
        assert_eq!(UnixTime::from_secs(u64::MAX).plus(1).as_secs(), u64::MAX);
        assert_eq!(UnixTime::from_secs(9).until(UnixTime::from_secs(5)), 0);
    }
}
