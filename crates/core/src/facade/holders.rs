//! Whose real token it is: what this isolate has heard from the scheduler, or has handed out itself.
//!
//! Anybody may send anything as a token, so that questions are few: an answer is remembered, a `no` too, and guesses
//! have a budget, for each address block and for all together. A question whose answer is `yes` costs nothing of it:
//! those who hold real tokens, however many, are not held up by each other, nor, once known, by those who guess. A
//! token that was turned away and comes again a moment later is asked about: guesses do not come twice, and holders
//! who share an address with those who guess try again.

use crate::app::AppName;
use crate::digest::Sha256Digest;
use std::collections::{BTreeMap, VecDeque};

/// A `yes` is believed for this long: a token that was revoked ends here within it.
const KNOWN_MS: u64 = 60_000;

/// A `no` for this long: a token that was just given out may not have got around.
const UNKNOWN_MS: u64 = 2_000;

/// Answers that are remembered, of each kind. Of a `yes`, this many for each app as well: the current token and those
/// before it.
const MOST: usize = 2_000;
const MOST_OF_AN_APP: usize = 4;

/// Questions without a `yes` of one address block, and of all together, within …
const QUESTIONS_OF_BLOCK: u32 = 50;
const QUESTIONS: u32 = 500;

/// … this time.
const WINDOW_MS: u64 = 5_000;

/// Address blocks that are counted apart; further ones share the budget of all.
const MOST_BLOCKS: usize = 4_000;

/// A block that was over the limit for requests without a valid key is not asked for, for this long.
const LIMITED_MS: u64 = 60_000;

/// Tokens that were turned away and are remembered: at 280 guesses a second, those of 28 s.
const MOST_TURNED_AWAY: usize = 8_000;

/// One of these that comes again is asked about when this has passed, …
const AGAIN_AFTER_MS: u64 = 1_000;

/// … as often within [`WINDOW_MS`], for all together.
const SECOND_QUESTIONS: u32 = 50;

/// What is known about a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// It is the token of this app.
    Of(AppName),
    /// It is nobody's.
    Nobody,
    /// The scheduler has to be asked.
    Ask,
    /// It would have to be asked, and guesses have used up what there is for that.
    Busy,
}

/// What the isolate knows.
#[derive(Clone, Debug, Default)]
pub struct Holders {
    apps: usize,
    known: BTreeMap<[u8; 32], (AppName, u64)>,
    nobodys: BTreeMap<[u8; 32], u64>,
    asking: BTreeMap<[u8; 32], PaidBy>,
    all: Budget,
    blocks: BTreeMap<String, Budget>,
    limited: BTreeMap<String, u64>,
    /// When each was turned away first; and all of them in that order.
    turned_away: BTreeMap<[u8; 32], u64>,
    in_order: VecDeque<[u8; 32]>,
    second: Budget,
}

/// Whose budget a question has been taken from.
#[derive(Clone, Debug)]
enum PaidBy {
    Block(String),
    /// That of tokens which come again.
    Second,
}

/// Questions without a `yes`, in a window of time.
#[derive(Clone, Copy, Debug, Default)]
struct Budget {
    from_ms: u64,
    spent: u32,
}

impl Budget {
    const fn left(&mut self, of: u32, now_ms: u64) -> bool {
        if now_ms.saturating_sub(self.from_ms) >= WINDOW_MS {
            *self = Self { from_ms: now_ms, spent: 0 };
        }
        self.spent < of
    }

    const fn give_back(&mut self) {
        self.spent = self.spent.saturating_sub(1);
    }
}

impl Holders {
    /// For a centre of this many apps.
    pub fn of_apps(apps: usize) -> Self {
        Self { apps, ..Self::default() }
    }

    /// What is known about the token with this digest, sent from this address block
    /// ([`crate::access::neighbourhood`]).
    pub fn find(&mut self, token: &Sha256Digest, block: &str, now_ms: u64) -> Holder {
        let digest = token.to_bytes();
        match self.known.get(&digest) {
            Some((app, at_ms)) if now_ms.saturating_sub(*at_ms) < KNOWN_MS => return Holder::Of(app.clone()),
            // Whoever has had a real token is not held up by those who guess.
            Some(_) => return Holder::Ask,
            None => {}
        }
        if self.nobodys.get(&digest).is_some_and(|at_ms| now_ms.saturating_sub(*at_ms) < UNKNOWN_MS) {
            return Holder::Nobody;
        }
        let limited = |at_ms: &u64| now_ms.saturating_sub(*at_ms) < LIMITED_MS;
        let paid_by = if !self.limited.get(block).is_some_and(limited) && self.spend(block, now_ms) {
            PaidBy::Block(block.to_owned())
        } else if self.comes_again(digest, now_ms) {
            PaidBy::Second
        } else {
            return Holder::Busy;
        };
        if self.asking.len() >= MOST {
            self.asking.clear();
        }
        self.asking.insert(digest, paid_by);
        Holder::Ask
    }

    /// Whether a token that would be turned away has been before, and may be asked about for that; notes it otherwise.
    fn comes_again(&mut self, digest: [u8; 32], now_ms: u64) -> bool {
        if let Some(first_ms) = self.turned_away.get(&digest) {
            let again = now_ms.saturating_sub(*first_ms) >= AGAIN_AFTER_MS
                && self.second.left(SECOND_QUESTIONS, now_ms);
            if again {
                self.second.spent += 1;
            }
            return again;
        }
        if self.in_order.len() >= MOST_TURNED_AWAY
            && let Some(oldest) = self.in_order.pop_front()
        {
            self.turned_away.remove(&oldest);
        }
        self.turned_away.insert(digest, now_ms);
        self.in_order.push_back(digest);
        false
    }

    /// The app whose token this was when it was last heard of.
    pub fn last_known(&self, token: &Sha256Digest) -> Option<&AppName> {
        self.known.get(&token.to_bytes()).map(|(app, _)| app)
    }

    /// Whose it is, as the scheduler has said, or as it was handed out here.
    pub fn learn(&mut self, token: &Sha256Digest, app: Option<AppName>, now_ms: u64) {
        let digest = token.to_bytes();
        let paid_by = self.asking.remove(&digest);
        let Some(app) = app else {
            self.known.remove(&digest);
            if self.nobodys.len() >= MOST {
                self.nobodys.retain(|_, at_ms| now_ms.saturating_sub(*at_ms) < UNKNOWN_MS);
            }
            if self.nobodys.len() < MOST {
                self.nobodys.insert(digest, now_ms);
            }
            return;
        };
        match paid_by {
            Some(PaidBy::Block(block)) => self.give_back(&block),
            Some(PaidBy::Second) => self.second.give_back(),
            None => {}
        }
        let most = MOST + MOST_OF_AN_APP * self.apps;
        if self.known.len() >= most {
            self.known.retain(|_, (_, at_ms)| now_ms.saturating_sub(*at_ms) < 10 * KNOWN_MS);
        }
        if self.known.len() < most {
            self.known.insert(digest, (app, now_ms));
        }
    }

    /// Requests without a valid key from this address block are over their limit.
    pub fn limited(&mut self, block: &str, now_ms: u64) {
        if self.limited.len() >= MOST_BLOCKS {
            self.limited.retain(|_, at_ms| now_ms.saturating_sub(*at_ms) < LIMITED_MS);
        }
        if self.limited.len() < MOST_BLOCKS {
            self.limited.insert(block.to_owned(), now_ms);
        }
    }

    fn spend(&mut self, block: &str, now_ms: u64) -> bool {
        if self.blocks.len() >= MOST_BLOCKS && !self.blocks.contains_key(block) {
            self.blocks.retain(|_, budget| now_ms.saturating_sub(budget.from_ms) < WINDOW_MS);
        }
        if !self.all.left(QUESTIONS, now_ms) {
            return false;
        }
        if self.blocks.len() < MOST_BLOCKS || self.blocks.contains_key(block) {
            let budget = self.blocks.entry(block.to_owned()).or_default();
            if !budget.left(QUESTIONS_OF_BLOCK, now_ms) {
                return false;
            }
            budget.spent += 1;
        }
        self.all.spent += 1;
        true
    }

    fn give_back(&mut self, block: &str) {
        self.all.give_back();
        if let Some(budget) = self.blocks.get_mut(block) {
            budget.give_back();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: u64 = 1_800_000_000_000;
    const HOME: &str = "203.0.113.9";

    fn token(n: u32) -> Sha256Digest {
        Sha256Digest::of(&n.to_string())
    }

    fn shop() -> AppName {
        AppName::parse("shop").unwrap()
    }

    #[test]
    fn an_answer_is_believed_for_its_time() {
        let mut holders = Holders::default();
        assert_eq!(holders.find(&token(1), HOME, T0), Holder::Ask);
        holders.learn(&token(1), Some(shop()), T0);
        assert_eq!(holders.find(&token(1), HOME, T0 + 59_999), Holder::Of(shop()));
        assert_eq!(holders.find(&token(1), HOME, T0 + 60_000), Holder::Ask);
        holders.learn(&token(1), None, T0 + 60_000);
        assert_eq!(holders.find(&token(1), HOME, T0 + 60_001), Holder::Nobody, "revoked");
        holders.learn(&token(2), None, T0);
        assert_eq!(holders.find(&token(2), HOME, T0 + 1_999), Holder::Nobody);
        assert_eq!(holders.find(&token(2), HOME, T0 + 2_000), Holder::Ask);
    }

    /// Asks about tokens that are nobody's; how many questions there were.
    fn guess(holders: &mut Holders, block: &str, tokens: std::ops::Range<u32>) -> usize {
        let mut asked = 0;
        for n in tokens {
            if holders.find(&token(n), block, T0 + u64::from(n % 4_000)) == Holder::Ask {
                asked += 1;
                holders.learn(&token(n), None, T0);
            }
        }
        asked
    }

    #[test]
    fn who_guesses_holds_up_nobody_else() {
        let mut holders = Holders::default();
        holders.learn(&token(100_000), Some(shop()), T0 - 70_000);
        assert_eq!(guess(&mut holders, "198.51.100.7", 0..4_000), 50);
        assert_eq!(holders.find(&token(5_000), "198.51.100.7", T0 + 4_999), Holder::Busy);
        assert_eq!(holders.find(&token(5_000), HOME, T0 + 4_999), Holder::Ask, "another block");
        assert_eq!(holders.find(&token(100_000), "198.51.100.7", T0 + 4_999), Holder::Ask, "it was real");
        assert_eq!(holders.find(&token(5_001), "198.51.100.7", T0 + 5_000), Holder::Ask, "a new window");
    }

    #[test]
    fn all_guesses_together_have_a_bound() {
        let mut holders = Holders::default();
        let asked: usize = (0..40_u32)
            .map(|n| guess(&mut holders, &format!("198.51.100.{n}"), n * 100..n * 100 + 100))
            .sum();
        assert_eq!(asked, 500);
        assert!(holders.nobodys.len() <= MOST);
    }

    #[test]
    fn real_tokens_cost_nothing_however_many() {
        let mut holders = Holders::of_apps(3_000);
        for round in 0..2 {
            for n in 0..9_000 {
                let now_ms = T0 + round * 1_000 + u64::from(n / 100);
                match holders.find(&token(n), HOME, now_ms) {
                    Holder::Ask => holders.learn(&token(n), Some(shop()), now_ms),
                    found => assert_eq!((round, found), (1, Holder::Of(shop()))),
                }
            }
        }
    }

    #[test]
    fn a_block_over_the_limit_is_not_asked_for() {
        let mut holders = Holders::default();
        holders.learn(&token(1), Some(shop()), T0);
        holders.limited(HOME, T0);
        assert_eq!(holders.find(&token(2), HOME, T0 + 59_999), Holder::Busy);
        assert_eq!(holders.find(&token(1), HOME, T0 + 59_999), Holder::Of(shop()), "what is known is served");
        assert_eq!(holders.find(&token(2), HOME, T0 + 60_000), Holder::Ask);
    }

    #[test]
    fn who_shares_an_address_with_those_who_guess_is_served_when_it_asks_again() {
        let mut holders = Holders::default();
        holders.limited(HOME, T0);
        assert_eq!(holders.find(&token(1), HOME, T0), Holder::Busy);
        // 280 other guesses a second, none of them twice.
        assert_eq!(guess(&mut holders, HOME, 1_000..2_000), 0);
        assert_eq!(holders.find(&token(1), HOME, T0 + 999), Holder::Busy);
        assert_eq!(holders.find(&token(1), HOME, T0 + 2_000), Holder::Ask);
        holders.learn(&token(1), Some(shop()), T0 + 2_000);
        assert_eq!(holders.find(&token(1), HOME, T0 + 2_001), Holder::Of(shop()));
        // Guesses that do come twice have a bound of their own.
        let again = (1_000..2_000).filter(|n| holders.find(&token(*n), HOME, T0 + 9_000) == Holder::Ask);
        assert_eq!(again.count(), 50);
    }

    #[test]
    fn memory_has_a_bound() {
        let mut holders = Holders::default();
        holders.limited(HOME, T0);
        for n in 0..10_000_u32 {
            holders.find(&token(n), &n.to_string(), T0 + u64::from(n) * 20);
            holders.limited(&n.to_string(), T0);
            holders.find(&token(n + 50_000), HOME, T0);
            holders.learn(&token(n), (n % 2 == 0).then(shop), T0 + u64::from(n));
        }
        assert!(holders.known.len() <= MOST && holders.nobodys.len() <= MOST && holders.asking.len() <= MOST);
        assert!(holders.blocks.len() <= MOST_BLOCKS && holders.limited.len() <= MOST_BLOCKS);
        assert!(holders.turned_away.len() == MOST_TURNED_AWAY && holders.in_order.len() == MOST_TURNED_AWAY);
    }
}
