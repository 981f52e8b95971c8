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

use super::policy::{Lead, LifeRule, RotationPolicy};
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

/// In a short doubt it is asked for every second, in a long one every five.
const FINE_AGAIN_S: u64 = 1;
const COARSE_AGAIN_S: u64 = 5;

/// A value that outlives what the provider says is asked for less and less often.
const OVERDUE_LONGEST_S: u64 = 300;

/// A confirmation is believed until the next one is due and a call's time longer.
const CALL_TAKES_S: u64 = 5;

/// What has been seen of one ticket value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sights {
    /// When this value was first seen: not younger than this. The request was sent before it, and the
    /// reply came in this second or earlier.
    first_seen: UnixTime,
    /// When the value before was last seen: this one is not older. `None`: age unknown.
    born_after: Option<UnixTime>,
    /// When this value was last seen.
    confirmed: UnixTime,
    /// What the last reply claimed to be left. It is believed only where it is less than a whole life.
    claimed_s: u64,
}

impl Sights {
    /// A value seen for the first time, by a request sent at `seen` whose reply came at `came`, after
    /// another one last seen at `before`.
    pub(super) fn first(seen: UnixTime, came: UnixTime, before: Option<UnixTime>, claimed_s: u64) -> Self {
        let born_after = before.filter(|before| before.until(seen) <= BRACKET_S);
        // Times are rounded down: the reply may have come a second later than it says.
        Self { first_seen: came.plus(1), born_after, confirmed: seen, claimed_s }
    }

    /// The same value was seen again.
    #[must_use]
    pub(super) const fn again(self, seen: UnixTime, claimed_s: u64) -> Self {
        Self { confirmed: seen, claimed_s, ..self }
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
    pub(super) fn plan(self, policy: &RotationPolicy, dice: u32) -> Plan {
        let LifeRule::Observed { life_s } = policy.life else { return self.plan_of(policy.lead, 0, dice) };
        self.plan_of(policy.lead, life_s, dice)
    }

    fn plan_of(self, lead: Lead, life_s: u64, dice: u32) -> Plan {
        let Self { first_seen, born_after, confirmed, claimed_s } = self;
        let sure_end = first_seen.plus(life_s);
        let (expires_at, refresh_at) = match born_after.map(|born| born.plus(life_s)) {
            _ if confirmed >= sure_end => believed_for(
                (sure_end.until(confirmed) / 8).clamp(COARSE_AGAIN_S, OVERDUE_LONGEST_S),
                confirmed,
            ),
            None => {
                let poll_s = POLL_S + u64::from(dice) % (POLL_JITTER_S + 1);
                (confirmed.plus(TRUST_S).min(sure_end), confirmed.plus(poll_s))
            }
            Some(end) if confirmed < end => {
                let next = self.sight_before(end, lead, dice);
                (if self.age_known() { end } else { end.max(next.plus(CALL_TAKES_S)) }, next)
            }
            Some(_) if self.age_known() => (confirmed, confirmed.plus(FINE_AGAIN_S)),
            Some(_) => believed_for(COARSE_AGAIN_S, confirmed),
        };
        let (expires_at, refresh_at) = if claimed_s < life_s {
            (
                expires_at.min(confirmed.plus(claimed_s)),
                refresh_at.min(confirmed.plus((claimed_s / 2).max(1))),
            )
        } else {
            (expires_at, refresh_at)
        };
        Plan {
            expires_at,
            refresh_at: refresh_at.min(expires_at.max(confirmed.plus(1))),
            wait_from: expires_at,
        }
    }

    /// The next sight of a value that certainly lives until `end`.
    fn sight_before(self, end: UnixTime, lead: Lead, dice: u32) -> UnixTime {
        let first = end.minus(lead.ahead_s).plus(u64::from(dice) % (lead.ahead_s / 4 + 1));
        if self.confirmed < first { first } else { self.confirmed.plus(lead.again_s).min(end) }
    }
}

/// Trust in a confirmation that is renewed after `pause_s`.
fn believed_for(pause_s: u64, confirmed: UnixTime) -> (UnixTime, UnixTime) {
    let again = confirmed.plus(pause_s);
    (again.plus(CALL_TAKES_S), again)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::wechat::policy::TICKET;

    const T0: UnixTime = UnixTime::from_secs(1_800_000_000);

    fn times(plan: Plan) -> (u64, u64) {
        (T0.until(plan.expires_at), T0.until(plan.refresh_at))
    }

    #[test]
    fn of_unknown_age_it_is_trusted_for_minutes() {
        let sights = Sights::first(T0, T0, None, 7200);
        assert!(!sights.age_known());
        let (expires, refresh) = times(sights.plan(&TICKET, 77));
        assert_eq!(expires, 600);
        assert!((300..=420).contains(&refresh));
        assert!(!Sights::first(T0, T0, Some(T0.minus(601)), 7200).age_known());
    }

    #[test]
    fn two_hours_after_the_first_sight_only_a_new_confirmation_counts() {
        let sights = Sights::first(T0, T0, None, 7200);
        assert_eq!(times(sights.again(T0.plus(7000), 7200).plan(&TICKET, 0)).0, 7201);
        assert_eq!(times(sights.again(T0.plus(7301), 7200).plan(&TICKET, 0)), (7301 + 12 + 5, 7301 + 12));
        assert_eq!(
            times(sights.again(T0.plus(90_000), 7200).plan(&TICKET, 0)),
            (90_305, 90_300),
            "no flood of calls"
        );
    }

    #[test]
    fn of_known_age_it_lives_from_the_last_sight_of_the_one_before() {
        let sights = Sights::first(T0, T0, Some(T0.minus(4)), 7200);
        assert_eq!(times(sights.plan(&TICKET, 0)), (7196, 7166));
        assert_eq!(
            times(sights.again(T0.plus(7166), 7200).plan(&TICKET, 0)),
            (7196, 7196),
            "asked for the moment it may end"
        );
        assert_eq!(
            times(sights.again(T0.plus(7197), 7200).plan(&TICKET, 0)),
            (7197, 7198),
            "in doubt nothing is handed out"
        );
        assert_eq!(
            times(sights.again(T0.plus(7200), 7200).plan(&TICKET, 0)),
            (7200, 7201),
            "it may have come a second later"
        );
        assert_eq!(
            times(sights.again(T0.plus(7201), 7200).plan(&TICKET, 0)),
            (7211, 7206),
            "it outlives what the provider says"
        );
    }

    #[test]
    fn a_claim_of_less_than_a_life_is_believed_but_starts_no_new_one() {
        let sights = Sights::first(T0, T0, Some(T0.minus(4)), 299);
        assert_eq!(times(sights.plan(&TICKET, 0)), (299, 149));
        assert_eq!(times(sights.again(T0.plus(149), 7200).plan(&TICKET, 0)), (7196, 7166));
        assert_eq!(times(sights.again(T0.plus(7197), 299).plan(&TICKET, 0)), (7197, 7198));
    }

    #[test]
    fn roughly_known_it_is_believed_for_seconds() {
        let sights = Sights::first(T0, T0, Some(T0.minus(300)), 7200);
        assert!(!sights.age_known());
        assert_eq!(times(sights.plan(&TICKET, 0)), (6900, 6870));
        assert_eq!(times(sights.again(T0.plus(6950), 7200).plan(&TICKET, 0)), (6960, 6955));
    }
}
