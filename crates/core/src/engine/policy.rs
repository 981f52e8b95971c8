//! How a credential rotates at its provider, as data: the engine's rules follow from it.

use super::reply::Class;
use crate::time::UnixTime;

/// How a credential behaves when it is asked for again, and what may be asked.
#[derive(Clone, Copy, Debug)]
pub struct RotationPolicy {
    /// What asking again brings.
    pub repeat: Repeat,
    /// Where its life is known from.
    pub life: LifeRule,
    /// No value lives longer than this, in seconds: what is held for longer came while our clock was ahead.
    pub longest_s: u64,
    /// What becomes of the value that was replaced.
    pub old: OldValue,
    /// How a value that is said to be dead is looked at.
    pub check: Check,
    /// When it is replaced.
    pub lead: Lead,
    /// What may be asked in a day.
    pub limits: Limits,
    /// What a code of the provider's asks of us.
    pub class_of: fn(i64) -> Class,
}

/// What asking again brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// A new value each time, in place of the one before.
    New,
    /// The same value. A new one comes when no more than this window is left of its life; with 0, only after its end.
    Same {
        /// In seconds.
        early_window_s: u64,
    },
    /// The same value, whose life begins anew each time, up to a cap counted from its first sight, if there is one.
    Slides {
        /// In seconds.
        cap_s: Option<u64>,
    },
}

/// Where a value's life is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LifeRule {
    /// The reply says what is left of it.
    Stated,
    /// The reply says nothing true: it lives for a fixed time from its birth, which lies between two sights.
    Observed {
        /// In seconds.
        life_s: u64,
    },
}

/// What becomes of a value that was replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OldValue {
    /// It lives for this long at most, and dies at once when its successor is replaced as well.
    Lives {
        /// In seconds.
        for_s: u64,
    },
    /// It lives to its own end.
    LivesOn,
}

/// How a value that is said to be dead is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// By a call that does nothing and refuses a dead value.
    Probe,
    /// By asking for it again: what comes is the one that lives. `apart_s` separates two of these checks.
    AskAgain {
        /// In seconds.
        apart_s: u64,
    },
}

/// When a value is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lead {
    /// Seconds ahead of its end; 0 where nothing can be had before that.
    pub ahead_s: u64,
    /// Seconds that pass at least after it was asked for.
    pub again_s: u64,
}

/// What may be asked in a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Ordinary refreshes: within the provider's quota, or the centre's own where that is lower.
    pub refreshes: u32,
    /// Probes.
    pub probes: u32,
    /// Refreshes that replace a value whatever its age.
    pub forced: u32,
    /// Of those the last ones are kept for revoking what has leaked.
    pub forced_for_revoking: u32,
    /// Seconds between two of them, counted from the reply before.
    pub forced_apart_s: u64,
    /// Seconds before midnight UTC at which the day of the quota begins.
    pub day_offset_s: u64,
}

/// A copy of a value that was replaced is believed for less time than it lives, by this: a call's time, and clocks that differ.
const TRUST_MARGIN_S: u64 = 60;

/// A value that cannot be had before the end of the one before is asked for this long after it: clocks differ, and times are
/// rounded down.
const AFTER_END_S: u64 = 2;

/// It is not handed out so shortly before its end: it would die on the way.
const BEFORE_END_S: u64 = 3;

/// In the last minute of its life a value is not handed out without trying to replace it.
const LAST_MINUTE_S: u64 = 60;

impl RotationPolicy {
    /// Whether asking again ends the value that is held.
    pub(super) const fn replaces(&self) -> bool {
        matches!(self.repeat, Repeat::New)
    }

    /// Whether its life is known by its sights only.
    pub(super) const fn is_observed(&self) -> bool {
        matches!(self.life, LifeRule::Observed { .. })
    }

    /// How long a replaced value lives, where that is not to its own end.
    pub(crate) const fn overlap_s(&self) -> u64 {
        match self.old {
            OldValue::Lives { for_s } => for_s,
            OldValue::LivesOn => u64::MAX,
        }
    }

    /// Seconds for which a copy of a value is believed from its planned replacement on.
    pub(super) const fn trusted_s(&self) -> u64 {
        self.overlap_s().saturating_sub(TRUST_MARGIN_S)
    }

    /// Whether a new value can only be had after the end of the one before.
    pub(super) const fn has_gap(&self) -> bool {
        self.lead.ahead_s == 0
    }

    /// A reader waits for a refresh that is due within this number of seconds.
    pub(super) const fn waited_for_s(&self) -> u64 {
        if self.has_gap() { AFTER_END_S + BEFORE_END_S } else { AFTER_END_S }
    }

    /// From here on a value that lives until then is not handed out any more, and here it is asked for anew.
    pub(super) const fn around_end(until: UnixTime) -> (UnixTime, UnixTime) {
        (until.minus(BEFORE_END_S), until.plus(AFTER_END_S))
    }

    /// Seconds before the end of a value of `of_s` seconds from which readers wait for the next one.
    pub(super) const fn last_s(of_s: u64) -> u64 {
        if of_s / 8 < LAST_MINUTE_S { of_s / 8 } else { LAST_MINUTE_S }
    }

    /// What a failure asks of us.
    pub fn class(&self, failure: &super::Failure) -> Class {
        failure.class(self.class_of)
    }
}
