//! When a credential is replaced, and for how long a value is good.

use super::policy::{Lead, Repeat, RotationPolicy};
use super::sights::Sights;
use crate::time::UnixTime;
use serde::{Deserialize, Serialize};

/// A value that asking replaces, and that is born old, is not replaced less than this ahead of its end: two rotations
/// within the overlap kill what copies still trust.
const BORN_OLD_LEAD_S: u64 = 20;

/// What is known about the life of a held value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Life {
    /// A token: the reply said how long it lives.
    Stated {
        /// The end, counted from the sending of the request.
        until: UnixTime,
        /// What the reply said was left.
        of_s: u64,
        /// The latest end, where its life is bounded however often it is asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cap: Option<UnixTime>,
    },
    /// A ticket: the reply says nothing; only its sights count.
    Observed(Sights),
}

/// What a held value's life means for those who read and refresh it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Plan {
    /// From here on it is not handed out any more.
    pub(super) expires_at: UnixTime,
    /// From here on it is to be replaced. Rolled once, with its jitter, and then kept.
    pub(super) refresh_at: UnixTime,
    /// From here on who asks waits for the replacement, if one can be had.
    pub(super) wait_from: UnixTime,
}

impl Life {
    pub(super) fn stated(policy: &RotationPolicy, sent_at: UnixTime, expires_in_s: u64) -> Self {
        let cap = match policy.repeat {
            Repeat::Slides { cap_s } => cap_s.map(|cap_s| sent_at.plus(cap_s)),
            Repeat::New | Repeat::Same { .. } => None,
        };
        Self::Stated { until: sent_at.plus(expires_in_s), of_s: expires_in_s, cap }
    }

    /// The life of a ticket value seen for the first time, by a request sent at `seen` whose reply
    /// came at `came`, after a value last seen at `before`.
    pub(super) fn first_sight(
        seen: UnixTime,
        came: UnixTime,
        before: Option<UnixTime>,
        expires_in_s: u64,
    ) -> Self {
        Self::Observed(Sights::first(seen, came, before, expires_in_s))
    }

    /// The same value was given out again.
    #[must_use]
    pub(super) fn seen_again(self, sent_at: UnixTime, expires_in_s: u64) -> Self {
        match self {
            // Both replies count from their sending, so both ends are on the safe side.
            Self::Stated { until, cap, .. } => {
                Self::Stated { until: until.max(sent_at.plus(expires_in_s)), of_s: expires_in_s, cap }
            }
            Self::Observed(sights) => Self::Observed(sights.again(sent_at, expires_in_s)),
        }
    }

    /// Its end, as it was stated, is not believed any more: the next reply says it anew. `None` where that takes sights.
    pub(super) const fn stated_anew(self, now: UnixTime) -> Option<Self> {
        match self {
            Self::Stated { cap, .. } => Some(Self::Stated { until: now, of_s: 0, cap }),
            Self::Observed(_) => None,
        }
    }

    /// Whether asking ahead of the plan brings more life: inside the window in which a new value comes, if that was not
    /// tried yet, and always where a life begins anew. A value that asking replaces may not be replaced early: copies of
    /// it are trusted by its plan.
    pub(super) fn renews_early(self, policy: &RotationPolicy, now: UnixTime) -> bool {
        match (self, policy.repeat) {
            (Self::Stated { until, of_s, .. }, Repeat::Same { early_window_s }) => {
                of_s > early_window_s && now.until(until) <= policy.lead.ahead_s
            }
            (Self::Stated { until, of_s, cap }, Repeat::Slides { .. }) => {
                until.minus(of_s).until(now) >= policy.lead.again_s && cap.is_none_or(|cap| cap > until)
            }
            _ => false,
        }
    }

    /// When a token was asked for, or asked for again.
    pub(super) fn issued_at(self) -> Option<UnixTime> {
        match self {
            Self::Stated { until, of_s, .. } => Some(until.minus(of_s)),
            Self::Observed(_) => None,
        }
    }

    /// When a ticket value was last seen.
    pub(super) const fn last_seen(self) -> Option<UnixTime> {
        match self {
            Self::Stated { .. } => None,
            Self::Observed(sights) => Some(sights.last()),
        }
    }

    /// Whether its end is known (tokens: always).
    pub(super) fn age_known(self) -> bool {
        match self {
            Self::Stated { .. } => true,
            Self::Observed(sights) => sights.age_known(),
        }
    }

    /// The plan for a value of this life that was given out to a request sent at `sent_at`.
    pub(super) fn plan(self, policy: &RotationPolicy, sent_at: UnixTime, dice: u32) -> Plan {
        let (until, of_s, cap) = match self {
            Self::Stated { until, of_s, cap } => (until, of_s, cap),
            Self::Observed(sights) => return sights.plan(policy, dice),
        };
        let end = cap.map_or(until, |cap| cap.min(until));
        if policy.has_gap() || cap.is_some_and(|cap| cap <= until) {
            let (expires_at, refresh_at) = RotationPolicy::around_end(end);
            return Plan { expires_at, refresh_at, wait_from: expires_at };
        }
        // Up to a tenth of the lead is jitter; a short life is not refreshed in a loop.
        let Lead { ahead_s, again_s } = policy.lead;
        let ahead_s = ahead_s - u64::from(dice) % (ahead_s / 10 + 1);
        let born_old_s = if policy.replaces() && of_s >= policy.overlap_s().saturating_sub(BORN_OLD_LEAD_S) {
            of_s - BORN_OLD_LEAD_S
        } else {
            of_s / 2
        };
        let earliest = sent_at.plus(again_s.min(born_old_s));
        Plan {
            expires_at: end,
            refresh_at: end.minus(ahead_s).max(earliest),
            wait_from: end.minus(RotationPolicy::last_s(of_s)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::wechat::policy::{STABLE, TICKET, plain};
    use proptest::prelude::*;

    const T0: UnixTime = UnixTime::from_secs(1_800_000_000);

    #[test]
    fn stable_is_asked_inside_the_last_300_seconds() {
        for dice in [0, 7, 29, 12345] {
            let plan = Life::stated(&STABLE, T0, 7200).plan(&STABLE, T0, dice);
            assert!((7200 - 290..=7200 - 261).contains(&T0.until(plan.refresh_at)), "{plan:?}");
            assert_eq!(T0.until(plan.wait_from), 7140);
        }
        // The same token again with 295 s left: not at once, not too late.
        let plan = Life::stated(&STABLE, T0, 295).plan(&STABLE, T0, 0);
        assert_eq!(T0.until(plan.refresh_at), 15);
    }

    #[test]
    fn plain_is_asked_as_far_ahead_as_configured() {
        let plan = Life::stated(&plain(1800, 2000), T0, 7200).plan(&plain(1800, 2000), T0, 0);
        assert_eq!(T0.until(plan.refresh_at), 5400);
        let born_old = Life::stated(&plain(1800, 2000), T0, 1000).plan(&plain(1800, 2000), T0, 0);
        assert_eq!(T0.until(born_old.refresh_at), 600);
        let born_older = Life::stated(&plain(1800, 2000), T0, 299).plan(&plain(1800, 2000), T0, 0);
        assert_eq!(T0.until(born_older.refresh_at), 279);
    }

    proptest! {
        /// Whatever a reply says, the plan makes sense: a refresh is planned, later than the
        /// request, and before the value dies.
        #[test]
        fn plans_are_in_order(of_s in 1_u64..=7200, dice: u32, lead_s in 200_u64..=7000, rule in 0..3) {
            let (policy, life) = match rule {
                0 => (STABLE, Life::stated(&STABLE, T0, of_s)),
                1 => (plain(lead_s, 2000), Life::stated(&plain(lead_s, 2000), T0, of_s)),
                _ => (TICKET, Life::first_sight(T0, T0, Some(T0.minus(1)), of_s)),
            };
            let plan = life.plan(&policy, T0, dice);
            prop_assert!(plan.refresh_at >= T0 && plan.refresh_at <= plan.expires_at);
            prop_assert!(plan.wait_from <= plan.expires_at);
            prop_assert!(plan.expires_at <= T0.plus(of_s));
            if of_s >= 2 {
                prop_assert!(plan.refresh_at > T0, "no loop: {:?}", plan);
            }
        }
    }
}
