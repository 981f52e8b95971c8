//! When a credential is replaced, and for how long a value is good.

use crate::app::{App, TokenApi};
use crate::credential::Credential;
use crate::time::UnixTime;
use serde::{Deserialize, Serialize};

/// Under which rules WeChat rotates a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rules {
    /// A token of the stable API: asking before the last 300 s returns the same one.
    Stable,
    /// A token of the plain API: every call makes a new one; the old one lives 300 s more at most.
    Plain {
        /// Seconds ahead of expiry at which it is replaced.
        lead_s: u64,
    },
    /// A ticket: the same value for 7200 s, with `expires_in` always 7200, whatever its age.
    Ticket,
}

impl Rules {
    /// The rules for one credential of an app.
    pub const fn of(app: &App, credential: Credential) -> Self {
        match (credential, app.token_api) {
            (Credential::Ticket(_), _) => Self::Ticket,
            (Credential::AccessToken, TokenApi::Stable) => Self::Stable,
            (Credential::AccessToken, TokenApi::Plain { lead_s }) => Self::Plain { lead_s },
        }
    }
}

/// The plain API keeps the token before alive for this long after a rotation, no longer
/// (access_token 使用说明).
pub(super) const FUSE_S: u64 = 300;

/// After a plain token's planned replacement a copy of it is believed for this long: less than the
/// fuse, by more than a call takes.
pub(super) const TRUST_AFTER_PLAN_S: u64 = 240;

/// The stable API renews in a token's last 300 s. A call at exactly 300 s would still get the old
/// one, because our clock runs ahead by the way of the request.
const STABLE_LEAD_S: u64 = 290;

/// Stable: asking again after the same token came back.
const STABLE_AGAIN_S: u64 = 15;

/// Plain: a token that is born old is not replaced sooner than this.
const PLAIN_AGAIN_S: u64 = 600;

/// In the last minute of its life a token is not handed out without trying to replace it.
const LAST_MINUTE_S: u64 = 60;

/// A ticket whose age is unknown is asked for again every 5 to 7 minutes …
const TICKET_POLL_S: u64 = 300;
const TICKET_POLL_JITTER_S: u64 = 120;

/// … and a confirmation is believed for ten.
const TICKET_TRUST_S: u64 = 600;

/// A ticket whose age is known is asked for again from a minute ahead of its earliest end …
const TICKET_LEAD_S: u64 = 60;
const TICKET_AGAIN_S: u64 = 30;

/// … and, past that end, a confirmation is believed for ten seconds.
const TICKET_LATE_TRUST_S: u64 = 10;

/// Between two sights the age counts as known only if they are no further apart than this.
const TICKET_BRACKET_S: u64 = 600;

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
    },
    /// A ticket: the reply says nothing; only its sights count.
    Observed {
        /// When this value was first seen.
        first_seen: UnixTime,
        /// When the value before was last seen: this one is not older. `None`: age unknown.
        born_after: Option<UnixTime>,
        /// When this value was last seen.
        confirmed: UnixTime,
        /// How long a ticket lives.
        of_s: u64,
    },
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
    pub(super) const fn stated(sent_at: UnixTime, expires_in_s: u64) -> Self {
        Self::Stated { until: sent_at.plus(expires_in_s), of_s: expires_in_s }
    }

    /// The life of a ticket value seen for the first time, after a value last seen at `before`.
    pub(super) fn first_sight(sent_at: UnixTime, before: Option<UnixTime>, expires_in_s: u64) -> Self {
        let born_after = before.filter(|before| before.until(sent_at) <= TICKET_BRACKET_S);
        Self::Observed { first_seen: sent_at, born_after, confirmed: sent_at, of_s: expires_in_s }
    }

    /// The same value was seen again.
    #[must_use]
    pub(super) fn seen_again(self, sent_at: UnixTime, expires_in_s: u64) -> Self {
        match self {
            // Both replies count from their sending, so both ends are on the safe side.
            Self::Stated { until, .. } => {
                Self::Stated { until: until.max(sent_at.plus(expires_in_s)), of_s: expires_in_s }
            }
            Self::Observed { first_seen, born_after, of_s, .. } => {
                Self::Observed { first_seen, born_after, confirmed: sent_at, of_s }
            }
        }
    }

    /// When a ticket value was last seen.
    pub(super) const fn last_seen(self) -> Option<UnixTime> {
        match self {
            Self::Stated { .. } => None,
            Self::Observed { confirmed, .. } => Some(confirmed),
        }
    }

    /// Whether a ticket's age is known (tokens: always).
    pub(super) const fn age_known(self) -> bool {
        !matches!(self, Self::Observed { born_after: None, .. })
    }

    /// The plan for a value of this life that was seen at `sent_at`.
    pub(super) fn plan(self, rules: Rules, sent_at: UnixTime, dice: u32) -> Plan {
        match self {
            Self::Stated { until, of_s } => {
                let (lead_s, again_s) = match rules {
                    Rules::Plain { lead_s } => (lead_s, PLAIN_AGAIN_S),
                    Rules::Stable | Rules::Ticket => (STABLE_LEAD_S, STABLE_AGAIN_S),
                };
                // Up to a tenth of the lead is jitter; a short life is not refreshed in a loop.
                let ahead_s = lead_s - u64::from(dice) % (lead_s / 10 + 1);
                let earliest = sent_at.plus(again_s.min(of_s / 2));
                Plan {
                    expires_at: until,
                    refresh_at: until.minus(ahead_s).max(earliest),
                    wait_from: until.minus(LAST_MINUTE_S.min(of_s / 8)),
                }
            }
            Self::Observed { first_seen, born_after, confirmed, of_s } => {
                let late = confirmed.plus(TICKET_LATE_TRUST_S.min(of_s / 2));
                let (expires_at, refresh_at) = born_after.map_or_else(
                    || {
                        let poll_s = TICKET_POLL_S.min(of_s / 4)
                            + u64::from(dice) % (TICKET_POLL_JITTER_S.min(of_s / 8) + 1);
                        let trusted = confirmed.plus(TICKET_TRUST_S.min(of_s / 2));
                        (trusted.min(first_seen.plus(of_s)), confirmed.plus(poll_s))
                    },
                    |born| {
                        let end = born.plus(of_s);
                        (end, next_sight(confirmed, end, of_s, dice))
                    },
                );
                let expires_at = expires_at.max(late);
                Plan { expires_at, refresh_at: refresh_at.min(expires_at), wait_from: expires_at }
            }
        }
    }
}

/// When a ticket that ends at `end` or soon after is asked for again.
fn next_sight(confirmed: UnixTime, end: UnixTime, of_s: u64, dice: u32) -> UnixTime {
    let lead_s = TICKET_LEAD_S.min(of_s / 8);
    let first = end.minus(lead_s).plus(u64::from(dice) % (lead_s / 4 + 1));
    if confirmed < first {
        return first;
    }
    let again_s = if confirmed < end { TICKET_AGAIN_S } else { TICKET_LATE_TRUST_S };
    confirmed.plus(again_s.min(of_s / 8))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const T0: UnixTime = UnixTime::from_secs(1_800_000_000);

    #[test]
    fn stable_is_asked_inside_the_last_300_seconds() {
        for dice in [0, 7, 29, 12345] {
            let plan = Life::stated(T0, 7200).plan(Rules::Stable, T0, dice);
            assert!((7200 - 290..=7200 - 261).contains(&T0.until(plan.refresh_at)), "{plan:?}");
            assert_eq!(T0.until(plan.wait_from), 7140);
        }
        // The same token again with 295 s left: not at once, not too late.
        let plan = Life::stated(T0, 295).plan(Rules::Stable, T0, 0);
        assert_eq!(T0.until(plan.refresh_at), 15);
    }

    #[test]
    fn plain_is_asked_as_far_ahead_as_configured() {
        let plan = Life::stated(T0, 7200).plan(Rules::Plain { lead_s: 1800 }, T0, 0);
        assert_eq!(T0.until(plan.refresh_at), 5400);
        let born_old = Life::stated(T0, 1000).plan(Rules::Plain { lead_s: 1800 }, T0, 0);
        assert_eq!(T0.until(born_old.refresh_at), 500);
    }

    #[test]
    fn a_ticket_of_unknown_age_is_trusted_for_minutes() {
        let life = Life::first_sight(T0, None, 7200);
        assert!(!life.age_known());
        let plan = life.plan(Rules::Ticket, T0, 77);
        assert_eq!(T0.until(plan.expires_at), 600);
        assert!((300..=420).contains(&T0.until(plan.refresh_at)));
        // Two hours after the first sight it must be dead, unless WeChat says otherwise just now.
        let plan = life.seen_again(T0.plus(7000), 7200).plan(Rules::Ticket, T0.plus(7000), 0);
        assert_eq!(T0.until(plan.expires_at), 7200);
        let plan = life.seen_again(T0.plus(7300), 7200).plan(Rules::Ticket, T0.plus(7300), 0);
        assert_eq!(T0.until(plan.expires_at), 7310);
    }

    #[test]
    fn a_ticket_of_known_age_lives_from_the_last_sight_of_the_one_before() {
        let life = Life::first_sight(T0, Some(T0.minus(10)), 7200);
        let plan = life.plan(Rules::Ticket, T0, 0);
        assert_eq!(T0.until(plan.expires_at), 7190);
        assert_eq!(T0.until(plan.refresh_at), 7190 - 60);
        assert!(!Life::first_sight(T0, Some(T0.minus(601)), 7200).age_known());
    }

    proptest! {
        /// Whatever a reply says, the plan makes sense: a refresh is planned, later than the
        /// request, and before the value dies.
        #[test]
        fn plans_are_in_order(of_s in 1_u64..=7200, dice: u32, lead_s in 200_u64..=7000, rule in 0..3) {
            let (rules, life) = match rule {
                0 => (Rules::Stable, Life::stated(T0, of_s)),
                1 => (Rules::Plain { lead_s }, Life::stated(T0, of_s)),
                _ => (Rules::Ticket, Life::first_sight(T0, Some(T0.minus(1)), of_s)),
            };
            let plan = life.plan(rules, T0, dice);
            prop_assert!(plan.refresh_at >= T0 && plan.refresh_at <= plan.expires_at);
            prop_assert!(plan.wait_from <= plan.expires_at);
            prop_assert!(plan.expires_at <= T0.plus(of_s));
            if of_s >= 8 {
                prop_assert!(plan.refresh_at > T0, "no loop: {:?}", plan);
            }
        }
    }
}
