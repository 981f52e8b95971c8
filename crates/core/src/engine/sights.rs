//! The life of a ticket, worked out from when its values were seen.
//!
//! `getticket` gives the same value for 7200 s and says `expires_in: 7200` each time, so only
//! sights count. A value that replaces another was born between two sights, and ends between two
//! moments, L = 7200 s later:
//!
//! ```text
//!      last sight of the value before   first sight of this one
//!                   │ born in here │
//!                   └──────────────┘ … + L …  ┌──────────────┐
//!                                            end           sure end
//! ```
//!
//! Until `end` it certainly lives. The closer the two sights, the shorter the doubt after it: a few
//! seconds, in which nothing is handed out and readers wait. While the doubt would last longer, a
//! confirmation is believed for some seconds, and while nothing is known, for ten minutes.

use super::schedule::Plan;
use crate::time::UnixTime;
use serde::{Deserialize, Serialize};

/// Sights further apart than this say nothing about a value's age …
const BRACKET_S: u64 = 600;

/// … and those at most so far apart say all that is needed.
const FINE_BRACKET_S: u64 = 10;

/// Age unknown: asked for again every 5 to 7 minutes, and a confirmation is believed for ten.
const POLL_S: u64 = 300;
const POLL_JITTER_S: u64 = 120;
const TRUST_S: u64 = 600;

/// Age known: asked for from a minute ahead of its earliest end, in case WeChat is early.
const LEAD_S: u64 = 60;
const AGAIN_S: u64 = 30;

/// In a short doubt it is asked for every second, in a long one every five.
const FINE_AGAIN_S: u64 = 1;
const COARSE_AGAIN_S: u64 = 5;

/// A value that outlives what WeChat says is asked for less and less often.
const OVERDUE_LONGEST_S: u64 = 300;

/// A confirmation is believed until the next one is due and a call's time longer.
const CALL_TAKES_S: u64 = 5;

/// What has been seen of one ticket value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sights {
    /// When this value was first seen.
    first_seen: UnixTime,
    /// When the value before was last seen: this one is not older. `None`: age unknown.
    born_after: Option<UnixTime>,
    /// When this value was last seen.
    confirmed: UnixTime,
    /// How long a ticket lives.
    of_s: u64,
}

impl Sights {
    /// A value seen for the first time, after another one last seen at `before`.
    pub(super) fn first(seen: UnixTime, before: Option<UnixTime>, of_s: u64) -> Self {
        let born_after = before.filter(|before| before.until(seen) <= BRACKET_S);
        Self { first_seen: seen, born_after, confirmed: seen, of_s }
    }

    /// The same value was seen again.
    #[must_use]
    pub(super) const fn again(self, seen: UnixTime) -> Self {
        Self { confirmed: seen, ..self }
    }

    /// When this value was last seen.
    pub(super) const fn last(self) -> UnixTime {
        self.confirmed
    }

    /// Whether its end is known to within seconds.
    pub(super) fn age_known(self) -> bool {
        self.doubt_s().is_some_and(|doubt_s| doubt_s <= FINE_BRACKET_S)
    }

    /// How long the doubt about its end lasts.
    fn doubt_s(self) -> Option<u64> {
        self.born_after.map(|born| born.until(self.first_seen))
    }

    /// What follows for readers and for the next sight.
    pub(super) fn plan(self, dice: u32) -> Plan {
        let Self { first_seen, born_after, confirmed, of_s } = self;
        let sure_end = first_seen.plus(of_s);
        let (expires_at, refresh_at) = match born_after.map(|born| born.plus(of_s)) {
            _ if confirmed >= sure_end => {
                believed_for((sure_end.until(confirmed) / 8).clamp(5, OVERDUE_LONGEST_S), self)
            }
            None => {
                let jitter_s = u64::from(dice) % (POLL_JITTER_S.min(of_s / 8) + 1);
                let trusted = confirmed.plus(TRUST_S.min(of_s / 2));
                (trusted.min(sure_end), confirmed.plus(POLL_S.min(of_s / 4) + jitter_s))
            }
            Some(end) if confirmed < end => {
                let next = self.sight_before(end, dice);
                let ahead = if self.age_known() { end } else { end.max(next.plus(CALL_TAKES_S)) };
                (ahead, next)
            }
            Some(_) if self.age_known() => (confirmed, confirmed.plus(FINE_AGAIN_S)),
            Some(_) => believed_for(COARSE_AGAIN_S, self),
        };
        Plan { expires_at, refresh_at, wait_from: expires_at }
    }

    /// The next sight of a value that certainly lives until `end`.
    fn sight_before(self, end: UnixTime, dice: u32) -> UnixTime {
        let lead_s = LEAD_S.min(self.of_s / 8);
        let first = end.minus(lead_s).plus(u64::from(dice) % (lead_s / 4 + 1));
        if self.confirmed < first {
            first
        } else {
            self.confirmed.plus(AGAIN_S.min(self.of_s / 8).max(1)).min(end)
        }
    }
}

/// Trust in a confirmation that is renewed after `pause_s`.
fn believed_for(pause_s: u64, sights: Sights) -> (UnixTime, UnixTime) {
    let pause_s = pause_s.min(sights.of_s / 8).max(1);
    let again = sights.confirmed.plus(pause_s);
    (again.plus(CALL_TAKES_S.min(sights.of_s / 8)), again)
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: UnixTime = UnixTime::from_secs(1_800_000_000);

    fn times(plan: Plan) -> (u64, u64) {
        (T0.until(plan.expires_at), T0.until(plan.refresh_at))
    }

    #[test]
    fn of_unknown_age_it_is_trusted_for_minutes() {
        let sights = Sights::first(T0, None, 7200);
        assert!(!sights.age_known());
        let (expires, refresh) = times(sights.plan(77));
        assert_eq!(expires, 600);
        assert!((300..=420).contains(&refresh));
        assert!(!Sights::first(T0, Some(T0.minus(601)), 7200).age_known());
    }

    #[test]
    fn two_hours_after_the_first_sight_only_a_new_confirmation_counts() {
        let sights = Sights::first(T0, None, 7200);
        assert_eq!(times(sights.again(T0.plus(7000)).plan(0)).0, 7200);
        assert_eq!(times(sights.again(T0.plus(7300)).plan(0)), (7300 + 12 + 5, 7300 + 12));
        assert_eq!(times(sights.again(T0.plus(90_000)).plan(0)), (90_305, 90_300), "no flood of calls");
    }

    #[test]
    fn of_known_age_it_lives_from_the_last_sight_of_the_one_before() {
        let sights = Sights::first(T0, Some(T0.minus(4)), 7200);
        assert_eq!(times(sights.plan(0)), (7196, 7136));
        assert_eq!(times(sights.again(T0.plus(7136)).plan(0)), (7196, 7166));
        assert_eq!(
            times(sights.again(T0.plus(7190)).plan(0)),
            (7196, 7196),
            "asked for the moment it may end"
        );
        assert_eq!(
            times(sights.again(T0.plus(7197)).plan(0)),
            (7197, 7198),
            "in doubt nothing is handed out"
        );
        assert_eq!(times(sights.again(T0.plus(7201)).plan(0)), (7211, 7206), "it outlives what WeChat says");
    }

    #[test]
    fn roughly_known_it_is_believed_for_seconds() {
        let sights = Sights::first(T0, Some(T0.minus(300)), 7200);
        assert!(!sights.age_known());
        assert_eq!(times(sights.plan(0)), (6900, 6840));
        assert_eq!(times(sights.again(T0.plus(6950)).plan(0)), (6960, 6955));
    }
}
