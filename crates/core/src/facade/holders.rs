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

/// … as often within [`WINDOW_MS`], for an address block and for all together: guesses that are repeated hold up
/// their own address block only.
const SECOND_OF_BLOCK: u32 = 10;
const SECOND_QUESTIONS: u32 = 200;

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
    second_of: BTreeMap<String, Budget>,
}

/// Whose budget a question has been taken from.
#[derive(Clone, Debug)]
enum PaidBy {
    Block(String),
    /// That of tokens which come again from there.
    Second(String),
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
        } else if self.comes_again(digest, block, now_ms) {
            PaidBy::Second(block.to_owned())
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
    fn comes_again(&mut self, digest: [u8; 32], block: &str, now_ms: u64) -> bool {
        if let Some(first_ms) = self.turned_away.get(&digest) {
            let is_again = now_ms.saturating_sub(*first_ms) >= AGAIN_AFTER_MS;
            return is_again && self.spend_second(block, now_ms);
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
            Some(PaidBy::Second(block)) => {
                self.second.give_back();
                if let Some(budget) = self.second_of.get_mut(&block) {
                    budget.give_back();
                }
            }
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

    fn spend_second(&mut self, block: &str, now_ms: u64) -> bool {
        if self.second_of.len() >= MOST_BLOCKS && !self.second_of.contains_key(block) {
            self.second_of.retain(|_, budget| now_ms.saturating_sub(budget.from_ms) < WINDOW_MS);
        }
        let is_room = self.second_of.len() < MOST_BLOCKS || self.second_of.contains_key(block);
        if !is_room || !self.second.left(SECOND_QUESTIONS, now_ms) {
            return false;
        }
        let budget = self.second_of.entry(block.to_owned()).or_default();
        if !budget.left(SECOND_OF_BLOCK, now_ms) {
            return false;
        }
        budget.spent += 1;
        self.second.spent += 1;
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
mod tests;
