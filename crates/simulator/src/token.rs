//! A lane of tokens: the current one, and those before it on their fuse.
//!
//! At most two tokens of a lane are alive: a rotation kills the one before the previous at once,
//! and leaves the previous one 300 s at most (access_token 使用说明; the rest is inferred from the
//! leak procedure of stable_token, and can be changed by knobs).

use crate::knobs::{Forced, Knobs, Millis};
use crate::random::Random;
use serde::{Deserialize, Serialize};

/// One token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// The text.
    pub value: String,
    /// The end of its life.
    pub dies_at: Millis,
}

/// The tokens of one endpoint of one account.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Lane {
    current: Option<Token>,
    /// Those before, newest first, as many as the knobs keep.
    previous: Vec<Token>,
    /// Those that have died, newest last, a bounded number: to tell 42001 from 40001.
    retired: Vec<Retired>,
    forced: ForcedCount,
    /// The current token is dead, and the stable API gives it out all the same.
    #[serde(default)]
    is_undead: bool,
}

/// A dead token.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Retired {
    value: String,
    /// It reached its own end; otherwise it was replaced or killed.
    by_age: bool,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct ForcedCount {
    last: Option<Millis>,
    day: u64,
    count: u32,
}

/// What a lane says of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// The newest one, alive.
    Current,
    /// One before, alive for a while.
    Previous,
    /// Its life ran out by itself.
    Expired,
    /// Replaced or killed before its time, or never given out.
    Unknown,
}

impl Standing {
    /// Whether a call with such a token is taken.
    pub const fn is_alive(self) -> bool {
        matches!(self, Self::Current | Self::Previous)
    }
}

/// How many dead tokens are remembered.
const REMEMBERED: usize = 64;

/// Forced refreshes: so far apart, so many a day (api_getstableaccesstoken).
const FORCED_APART_MS: Millis = 30_000;
const FORCED_DAILY: u32 = 20;

impl Lane {
    /// `GET /cgi-bin/token`: always a new token.
    pub(crate) fn rotate(&mut self, now: Millis, knobs: &Knobs, random: &mut Random) -> Token {
        let prefix = 80 + random.below(20);
        let text = random.text(knobs.token_chars.saturating_sub(3));
        let token = Token { value: format!("{prefix}_{text}"), dies_at: now + knobs.token_life_s * 1000 };
        self.is_undead = false;
        if let Some(before) = self.current.replace(token.clone()) {
            let fuse = now + knobs.overlap_s * 1000;
            self.previous.insert(0, Token { dies_at: before.dies_at.min(fuse), ..before });
        }
        while self.previous.len() > knobs.kept {
            let surplus = self.previous.pop();
            self.retire(surplus, now);
        }
        token
    }

    /// `POST /cgi-bin/stable_token`, normal mode: the same token until its last 300 s.
    pub(crate) fn renew(&mut self, now: Millis, knobs: &Knobs, random: &mut Random) -> (Token, bool) {
        let window = knobs.renew_window_s * 1000;
        match &self.current {
            Some(current) if current.dies_at > now + window => (current.clone(), false),
            _ => (self.rotate(now, knobs, random), true),
        }
    }

    /// `force_refresh`: a new token, within the limits.
    ///
    /// # Errors
    /// The errcode, where the knobs say that a refresh beyond the limits is refused.
    pub(crate) fn force(
        &mut self,
        now: Millis,
        day: u64,
        knobs: &Knobs,
        random: &mut Random,
    ) -> Result<(Token, bool), i64> {
        let forced = &self.forced;
        let too_soon = forced.last.is_some_and(|last| now < last + FORCED_APART_MS);
        let too_often = forced.day == day && forced.count >= FORCED_DAILY;
        let beyond = match (too_soon, too_often) {
            (true, _) => Some((knobs.forced_too_soon, 45011)),
            (false, true) => Some((knobs.forced_too_often, 45009)),
            (false, false) => None,
        };
        match (beyond, &self.current) {
            (Some((Forced::Refused, errcode)), _) => Err(errcode),
            (Some((Forced::Unchanged, _)), Some(current)) => Ok((current.clone(), false)),
            _ => {
                let count = if forced.day == day { forced.count } else { 0 };
                self.forced = ForcedCount { last: Some(now), day, count: count + 1 };
                Ok((self.rotate(now, knobs, random), true))
            }
        }
    }

    /// Kills a token before its time, as when somebody else rotates it away.
    pub(crate) fn kill(&mut self, value: &str, now: Millis) -> bool {
        let killed = if self.current.as_ref().is_some_and(|token| token.value == value) {
            self.current.take()
        } else {
            let at = self.previous.iter().position(|token| token.value == value);
            at.map(|at| self.previous.remove(at))
        };
        let found = killed.is_some();
        self.retire(killed, now);
        found
    }

    /// The current token is taken nowhere any more, and given out all the same: what a forced refresh
    /// is for.
    pub(crate) fn make_undead(&mut self) {
        self.is_undead = self.current.is_some();
    }

    /// What this lane says of a token.
    pub fn standing(&self, value: &str, now: Millis) -> Standing {
        let current = self.current.iter().map(|token| (token, Standing::Current));
        let previous = self.previous.iter().map(|token| (token, Standing::Previous));
        if let Some((token, standing)) = current.chain(previous).find(|(token, _)| token.value == value) {
            if self.is_undead && standing == Standing::Current {
                return Standing::Unknown;
            }
            return if now < token.dies_at { standing } else { Standing::Expired };
        }
        let expired = self.retired.iter().any(|token| token.value == value && token.by_age);
        if expired { Standing::Expired } else { Standing::Unknown }
    }

    /// The newest token, dead or alive.
    pub const fn current(&self) -> Option<&Token> {
        self.current.as_ref()
    }

    /// The tokens that have not been rotated away: the newest first.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.current.iter().chain(&self.previous).map(|token| token.value.as_str())
    }

    fn retire(&mut self, token: Option<Token>, now: Millis) {
        self.retired.extend(token.map(|token| Retired { by_age: token.dies_at <= now, value: token.value }));
        let surplus = self.retired.len().saturating_sub(REMEMBERED);
        self.retired.drain(..surplus);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Millis = 1000;

    fn lane() -> (Lane, Knobs, Random) {
        (Lane::default(), Knobs::default(), Random::new(7))
    }

    #[test]
    fn at_most_two_tokens_live_and_the_older_for_300_seconds() {
        let (mut lane, knobs, mut random) = lane();
        let one = lane.rotate(0, &knobs, &mut random).value;
        let two = lane.rotate(10 * S, &knobs, &mut random).value;
        assert_eq!(lane.standing(&one, 309 * S), Standing::Previous);
        assert_eq!(lane.standing(&one, 310 * S), Standing::Expired);
        assert_eq!(lane.standing(&two, 310 * S), Standing::Current);
        let three = lane.rotate(20 * S, &knobs, &mut random).value;
        assert_eq!(lane.standing(&one, 21 * S), Standing::Unknown);
        assert_eq!(lane.standing(&two, 21 * S), Standing::Previous);
        assert_eq!((three.len(), lane.standing(&three, 7219 * S)), (136, Standing::Current));
        assert_eq!(lane.standing(&three, 7220 * S), Standing::Expired);
    }

    #[test]
    fn knobs_keep_none_or_two_before() {
        let (mut lane, knobs, mut random) = lane();
        let knobs = Knobs { kept: 2, ..knobs };
        let tokens: Vec<String> = (0..4).map(|n| lane.rotate(n * S, &knobs, &mut random).value).collect();
        let alive = |lane: &Lane| {
            tokens.iter().map(|token| lane.standing(token, 5 * S).is_alive()).collect::<Vec<_>>()
        };
        assert_eq!(alive(&lane), [false, true, true, true]);
        lane.rotate(5 * S, &Knobs { kept: 0, ..knobs }, &mut random);
        assert_eq!(alive(&lane), [false; 4]);
    }

    #[test]
    fn the_stable_lane_renews_in_its_last_300_seconds() {
        let (mut lane, knobs, mut random) = lane();
        let (one, _) = lane.renew(0, &knobs, &mut random);
        assert_eq!(lane.renew(6899 * S, &knobs, &mut random).0.value, one.value);
        let (two, rotated) = lane.renew(6900 * S, &knobs, &mut random);
        assert!(rotated && two.value != one.value);
        assert_eq!(lane.standing(&one.value, 7199 * S), Standing::Previous);
    }

    #[test]
    fn forced_refreshes_are_thirty_seconds_apart_and_twenty_a_day() {
        let (mut lane, knobs, mut random) = lane();
        let (one, _) = lane.renew(0, &knobs, &mut random);
        let (two, _) = lane.force(S, 1, &knobs, &mut random).unwrap();
        assert_eq!(lane.force(30 * S, 1, &knobs, &mut random).unwrap().0.value, two.value);
        let strict = Knobs { forced_too_soon: Forced::Refused, ..knobs.clone() };
        assert_eq!(lane.force(30 * S, 1, &strict, &mut random), Err(45011));
        assert!(lane.force(31 * S, 1, &knobs, &mut random).unwrap().1);
        assert_eq!(lane.standing(&one.value, 31 * S), Standing::Unknown, "the second one kills it");
        for n in 0..18 {
            assert!(lane.force((100 + n * 30) * S, 1, &knobs, &mut random).unwrap().1);
        }
        assert_eq!(lane.force(9000 * S, 1, &knobs, &mut random), Err(45009));
        let lenient = Knobs { forced_too_often: Forced::Unchanged, ..knobs.clone() };
        assert!(!lane.force(9000 * S, 1, &lenient, &mut random).unwrap().1);
        assert!(lane.force(9030 * S, 2, &knobs, &mut random).unwrap().1, "the next day");
    }
}
