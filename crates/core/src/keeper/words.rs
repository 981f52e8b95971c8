//! What the provider's word may cost: a budget for each caller, since a caller can make a living value look dead.

use std::collections::BTreeMap;

/// Checks in vain that a caller has, …
const BUDGET: u32 = 5;

/// … and the time after which it has one more, in milliseconds.
const ANOTHER_AFTER_MS: u64 = 60_000;

/// The most callers that are remembered.
const MOST: usize = 1_000;

/// What each caller has spent.
#[derive(Debug, Default)]
pub(super) struct Words(BTreeMap<String, Spent>);

#[derive(Debug)]
struct Spent {
    checks: u32,
    since_ms: u64,
}

impl Words {
    /// Whether a word of this caller's is still acted on without a pause.
    pub(super) fn count(&mut self, by: &str, now_ms: u64) -> bool {
        let Some(spent) = self.0.get_mut(by) else { return true };
        let back = now_ms.saturating_sub(spent.since_ms) / ANOTHER_AFTER_MS;
        spent.checks = spent.checks.saturating_sub(u32::try_from(back).unwrap_or(u32::MAX));
        spent.since_ms += back * ANOTHER_AFTER_MS;
        spent.checks < BUDGET
    }

    /// It has cost a check.
    pub(super) fn spend(&mut self, by: &str, now_ms: u64) {
        if self.0.len() >= MOST && !self.0.contains_key(by) {
            self.0.retain(|_, spent| now_ms.saturating_sub(spent.since_ms) < ANOTHER_AFTER_MS);
            if self.0.len() >= MOST {
                self.0.clear();
            }
        }
        let spent = self.0.entry(by.to_owned()).or_insert(Spent { checks: 0, since_ms: now_ms });
        if spent.checks == 0 {
            spent.since_ms = now_ms;
        }
        spent.checks += 1;
    }

    /// The word was true.
    pub(super) fn give_back(&mut self, by: &str) {
        if let Some(spent) = self.0.get_mut(by) {
            spent.checks = spent.checks.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_has_a_budget_of_its_own_that_grows_again() {
        let mut words = Words::default();
        for _ in 0..BUDGET {
            assert!(words.count("web", 1_000));
            words.spend("web", 1_000);
        }
        assert!(!words.count("web", 60_999) && words.count("job", 60_999));
        assert!(words.count("web", 61_000), "one more after a minute");
        words.spend("web", 61_000);
        assert!(!words.count("web", 61_000));
        words.give_back("web");
        assert!(words.count("web", 61_000), "it was true");
        assert!(
            words.count("web", 10_000_000) && words.count("web", 10_000_000),
            "never more than all of it"
        );
        for _ in 0..BUDGET {
            words.spend("web", 10_000_000);
        }
        assert!(!words.count("web", 10_000_000));
    }

    #[test]
    fn many_callers_are_bounded() {
        let mut words = Words::default();
        for n in 0..5 * MOST {
            words.spend(&n.to_string(), 0);
        }
        assert!(words.0.len() <= MOST);
    }
}
