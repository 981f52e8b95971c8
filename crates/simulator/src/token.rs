//! A lane of tokens: the current one, and the one before on its fuse.
//!
//! At most two tokens of a lane are alive: a rotation kills the one before the previous at once,
//! and leaves the previous one 300 s at most (access_token 使用说明).

use crate::knobs::{Knobs, Millis};
use crate::random::Random;
use serde::{Deserialize, Serialize};

/// One token.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
    previous: Option<Token>,
    /// Tokens that were once given out, newest last, a bounded number: to tell 42001 from 40001.
    retired: Vec<Token>,
    last_forced: Option<Millis>,
}

/// What a lane says of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// The newest one, alive.
    Current,
    /// The one before, alive for a while.
    Previous,
    /// Its life ran out by itself.
    Expired,
    /// Replaced or killed before its time, or never given out.
    Unknown,
}

/// How many retired tokens are remembered.
const REMEMBERED: usize = 64;

/// Forced refreshes closer than this change nothing (api_getstableaccesstoken, older text).
const FORCED_APART_MS: Millis = 30_000;

impl Lane {
    /// `GET /cgi-bin/token`: always a new token.
    pub(crate) fn rotate(&mut self, now: Millis, knobs: &Knobs, random: &mut Random) -> Token {
        let prefix = 80 + random.next() % 20;
        let text = random.text(knobs.token_chars.saturating_sub(3));
        let token = Token { value: format!("{prefix}_{text}"), dies_at: now + knobs.token_life_s * 1000 };
        if let Some(before) = self.current.replace(token.clone()) {
            let fuse = now + knobs.overlap_s * 1000;
            let shortened = Token { dies_at: before.dies_at.min(fuse), ..before.clone() };
            self.retire(self.previous.clone());
            self.previous = Some(shortened);
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

    /// `force_refresh`: a new token, unless the last forced one is less than 30 s old.
    pub(crate) fn force(&mut self, now: Millis, knobs: &Knobs, random: &mut Random) -> (Token, bool) {
        let rested = self.last_forced.is_none_or(|last| now >= last + FORCED_APART_MS);
        match &self.current {
            Some(current) if !rested => (current.clone(), false),
            _ => {
                self.last_forced = Some(now);
                (self.rotate(now, knobs, random), true)
            }
        }
    }

    /// Kills a token before its time, as when somebody else rotates it away.
    pub(crate) fn kill(&mut self, value: &str) -> bool {
        let slots = [&mut self.current, &mut self.previous];
        let Some(slot) =
            slots.into_iter().find(|slot| slot.as_ref().is_some_and(|token| token.value == value))
        else {
            return false;
        };
        *slot = None;
        true
    }

    /// What this lane says of a token.
    pub fn standing(&self, value: &str, now: Millis) -> Standing {
        let is = |token: &Option<Token>| {
            token.as_ref().filter(|token| token.value == value).map(|token| token.dies_at)
        };
        let (standing, dies_at) = match (is(&self.current), is(&self.previous)) {
            (Some(dies_at), _) => (Standing::Current, dies_at),
            (None, Some(dies_at)) => (Standing::Previous, dies_at),
            (None, None) => {
                let expired = self.retired.iter().any(|token| token.value == value && token.dies_at <= now);
                return if expired { Standing::Expired } else { Standing::Unknown };
            }
        };
        if now < dies_at { standing } else { Standing::Expired }
    }

    /// The newest token, dead or alive.
    pub const fn current(&self) -> Option<&Token> {
        self.current.as_ref()
    }

    fn retire(&mut self, token: Option<Token>) {
        self.retired.extend(token);
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
    fn the_stable_lane_renews_in_its_last_300_seconds() {
        let (mut lane, knobs, mut random) = lane();
        let (one, _) = lane.renew(0, &knobs, &mut random);
        assert_eq!(lane.renew(6899 * S, &knobs, &mut random).0.value, one.value);
        let (two, rotated) = lane.renew(6900 * S, &knobs, &mut random);
        assert!(rotated && two.value != one.value);
        assert_eq!(lane.standing(&one.value, 7199 * S), Standing::Previous);
    }

    #[test]
    fn forced_refreshes_are_thirty_seconds_apart() {
        let (mut lane, knobs, mut random) = lane();
        let (one, _) = lane.renew(0, &knobs, &mut random);
        let (two, _) = lane.force(S, &knobs, &mut random);
        assert_eq!(lane.force(30 * S, &knobs, &mut random).0.value, two.value);
        let (_, rotated) = lane.force(31 * S, &knobs, &mut random);
        assert!(rotated);
        assert_eq!(lane.standing(&one.value, 31 * S), Standing::Unknown);
    }
}
