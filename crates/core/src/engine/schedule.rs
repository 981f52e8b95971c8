//! When a credential is replaced, and for how long a value is good.

use super::sights::Sights;
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
        /// Calls that the account has in a day.
        daily_limit: u32,
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
            (Credential::AccessToken, TokenApi::Plain { lead_s, daily_limit }) => {
                Self::Plain { lead_s, daily_limit }
            }
        }
    }

    /// How many refreshes a day are within WeChat's quota, or the centre's own where that is lower.
    pub(super) const fn daily_limit(self) -> u32 {
        match self {
            Self::Stable => STABLE_DAILY,
            Self::Plain { daily_limit, .. } => daily_limit,
            Self::Ticket => TICKET_DAILY,
        }
    }
}

/// WeChat allows 500,000 (api_getstableaccesstoken); whoever needs more than this is in a loop.
const STABLE_DAILY: u32 = 10_000;

/// Of 10,000 getticket calls a day (JS-SDK, appendix 5) for three kinds of ticket.
const TICKET_DAILY: u32 = 3_000;

/// The plain API keeps the token before alive for this long after a rotation, no longer
/// (access_token 使用说明).
pub(super) const FUSE_S: u64 = 300;

/// After a plain token's planned replacement a copy of it is believed for this long: less than the
/// fuse, by more than a call takes.
pub(super) const TRUST_AFTER_PLAN_S: u64 = 240;

/// The stable API renews in a token's last 300 s.
const STABLE_WINDOW_S: u64 = 300;

/// A call at exactly 300 s would still get the old one, because our clock runs ahead by the way of the
/// request.
const STABLE_LEAD_S: u64 = 290;

/// Stable: asking again after the same token came back.
const STABLE_AGAIN_S: u64 = 15;

/// Plain: a token that is born old is not replaced sooner than this …
const PLAIN_AGAIN_S: u64 = 600;

/// … or this long ahead of its end: two rotations within the fuse kill what copies still trust.
const PLAIN_BORN_OLD_LEAD_S: u64 = 20;

/// In the last minute of its life a token is not handed out without trying to replace it.
const LAST_MINUTE_S: u64 = 60;

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
    pub(super) const fn stated(sent_at: UnixTime, expires_in_s: u64) -> Self {
        Self::Stated { until: sent_at.plus(expires_in_s), of_s: expires_in_s }
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
            Self::Stated { until, .. } => {
                Self::Stated { until: until.max(sent_at.plus(expires_in_s)), of_s: expires_in_s }
            }
            Self::Observed(sights) => Self::Observed(sights.again(sent_at, expires_in_s)),
        }
    }

    /// Whether asking ahead of the plan brings more life: inside the stable API's last 300 s, if that
    /// was not tried yet. A plain token may not be replaced early: copies of it are trusted by its plan.
    pub(super) fn renews_early(self, rules: Rules, now: UnixTime) -> bool {
        match (self, rules) {
            (Self::Stated { until, of_s }, Rules::Stable) => {
                of_s > STABLE_WINDOW_S && now.until(until) <= STABLE_LEAD_S
            }
            _ => false,
        }
    }

    /// When a token was asked for, or asked for again.
    pub(super) fn issued_at(self) -> Option<UnixTime> {
        match self {
            Self::Stated { until, of_s } => Some(until.minus(of_s)),
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
    pub(super) fn plan(self, rules: Rules, sent_at: UnixTime, dice: u32) -> Plan {
        let (until, of_s) = match self {
            Self::Stated { until, of_s } => (until, of_s),
            Self::Observed(sights) => return sights.plan(dice),
        };
        let (lead_s, again_s) = match rules {
            Rules::Plain { lead_s, .. } => (lead_s, PLAIN_AGAIN_S),
            Rules::Stable | Rules::Ticket => (STABLE_LEAD_S, STABLE_AGAIN_S),
        };
        // Up to a tenth of the lead is jitter; a short life is not refreshed in a loop.
        let ahead_s = lead_s - u64::from(dice) % (lead_s / 10 + 1);
        let born_old_s = match rules {
            Rules::Plain { .. } if of_s >= FUSE_S - PLAIN_BORN_OLD_LEAD_S => of_s - PLAIN_BORN_OLD_LEAD_S,
            _ => of_s / 2,
        };
        let earliest = sent_at.plus(again_s.min(born_old_s));
        Plan {
            expires_at: until,
            refresh_at: until.minus(ahead_s).max(earliest),
            wait_from: until.minus(LAST_MINUTE_S.min(of_s / 8)),
        }
    }
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
        let plan = Life::stated(T0, 7200).plan(Rules::Plain { lead_s: 1800, daily_limit: 2000 }, T0, 0);
        assert_eq!(T0.until(plan.refresh_at), 5400);
        let born_old = Life::stated(T0, 1000).plan(Rules::Plain { lead_s: 1800, daily_limit: 2000 }, T0, 0);
        assert_eq!(T0.until(born_old.refresh_at), 600);
        let born_older = Life::stated(T0, 299).plan(Rules::Plain { lead_s: 1800, daily_limit: 2000 }, T0, 0);
        assert_eq!(T0.until(born_older.refresh_at), 279);
    }

    proptest! {
        /// Whatever a reply says, the plan makes sense: a refresh is planned, later than the
        /// request, and before the value dies.
        #[test]
        fn plans_are_in_order(of_s in 1_u64..=7200, dice: u32, lead_s in 200_u64..=7000, rule in 0..3) {
            let (rules, life) = match rule {
                0 => (Rules::Stable, Life::stated(T0, of_s)),
                1 => (Rules::Plain { lead_s, daily_limit: 2000 }, Life::stated(T0, of_s)),
                _ => (Rules::Ticket, Life::first_sight(T0, T0, Some(T0.minus(1)), of_s)),
            };
            let plan = life.plan(rules, T0, dice);
            prop_assert!(plan.refresh_at >= T0 && plan.refresh_at <= plan.expires_at);
            prop_assert!(plan.wait_from <= plan.expires_at);
            prop_assert!(plan.expires_at <= T0.plus(of_s));
            if of_s >= 2 {
                prop_assert!(plan.refresh_at > T0, "no loop: {:?}", plan);
            }
        }
    }
}
