//! Whose real token it is: what this isolate has heard from the scheduler, for a minute.
//!
//! Anybody may send anything as a token, so that questions are few: an answer is remembered, a `no` too,
//! and there is a bound on how many are asked.

use crate::app::AppName;
use crate::digest::Sha256Digest;
use std::collections::BTreeMap;

/// A `yes` is believed for so long: a token that was revoked ends here within it.
const KNOWN_MS: u64 = 60_000;

/// A `no` for so long: a token that was just given out may not have got around.
const UNKNOWN_MS: u64 = 2_000;

/// So many answers are remembered.
const MOST: usize = 2_000;

/// So many questions are asked within …
const QUESTIONS: u32 = 50;

/// … so long.
const WINDOW_MS: u64 = 5_000;

/// What is known about a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// It is the token of this app.
    Of(AppName),
    /// It is nobody's.
    Nobody,
    /// The scheduler has to be asked.
    Ask,
    /// It would have to be asked, and was asked too often.
    Busy,
}

/// The answers of the last minute.
#[derive(Clone, Debug, Default)]
pub struct Holders {
    known: BTreeMap<[u8; 32], (Option<AppName>, u64)>,
    window_ms: u64,
    asked: u32,
}

impl Holders {
    /// What is known about the token with this digest.
    pub fn find(&mut self, token: &Sha256Digest, now_ms: u64) -> Holder {
        match self.known.get(&token.to_bytes()) {
            Some((app, at_ms)) if now_ms.saturating_sub(*at_ms) < believed_ms(app.as_ref()) => {
                return app.clone().map_or(Holder::Nobody, Holder::Of);
            }
            // Whoever has had a real token is not held up by those who guess.
            Some((Some(_), _)) => return Holder::Ask,
            _ => {}
        }
        if now_ms.saturating_sub(self.window_ms) >= WINDOW_MS {
            (self.window_ms, self.asked) = (now_ms, 0);
        }
        if self.asked >= QUESTIONS {
            return Holder::Busy;
        }
        self.asked += 1;
        Holder::Ask
    }

    /// What the scheduler has said.
    pub fn learn(&mut self, token: &Sha256Digest, app: Option<AppName>, now_ms: u64) {
        if self.known.len() >= MOST {
            self.known
                .retain(|_, (app, at_ms)| app.is_some() && now_ms.saturating_sub(*at_ms) < 10 * KNOWN_MS);
        }
        if self.known.len() < MOST {
            self.known.insert(token.to_bytes(), (app, now_ms));
        }
    }
}

const fn believed_ms(app: Option<&AppName>) -> u64 {
    if app.is_some() { KNOWN_MS } else { UNKNOWN_MS }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: u64 = 1_800_000_000_000;

    fn token(n: u32) -> Sha256Digest {
        Sha256Digest::of(&n.to_string())
    }

    #[test]
    fn an_answer_is_believed_for_its_time() {
        let shop = AppName::parse("shop").unwrap();
        let mut holders = Holders::default();
        assert_eq!(holders.find(&token(1), T0), Holder::Ask);
        holders.learn(&token(1), Some(shop.clone()), T0);
        assert_eq!(holders.find(&token(1), T0 + 59_999), Holder::Of(shop));
        assert_eq!(holders.find(&token(1), T0 + 60_000), Holder::Ask);
        holders.learn(&token(2), None, T0);
        assert_eq!(holders.find(&token(2), T0 + 1_999), Holder::Nobody);
        assert_eq!(holders.find(&token(2), T0 + 2_000), Holder::Ask);
    }

    #[test]
    fn guesses_are_asked_about_within_bounds() {
        let mut holders = Holders::default();
        let mut asked = 0;
        for n in 0..10_000 {
            if holders.find(&token(n), T0 + u64::from(n) / 10) == Holder::Ask {
                asked += 1;
                holders.learn(&token(n), None, T0);
            }
        }
        assert_eq!(asked, 50);
        assert_eq!(holders.find(&token(20_000), T0 + 4_999), Holder::Busy);
        holders.learn(&token(30_000), AppName::parse("shop"), T0 - 70_000);
        assert_eq!(holders.find(&token(30_000), T0 + 4_999), Holder::Ask, "it was real a minute ago");
        assert_eq!(holders.find(&token(20_000), T0 + 5_000), Holder::Ask);
        assert!(holders.known.len() <= MOST);
    }
}
