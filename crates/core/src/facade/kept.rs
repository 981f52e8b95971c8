//! How much may be kept at once: bodies that can be sent a second time take a share of one budget, and give it back.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// A budget, in bytes.
#[derive(Debug)]
pub struct Budget {
    most: usize,
    used: Rc<RefCell<BTreeMap<String, usize>>>,
}

/// A part of a budget, given back when it is dropped.
#[derive(Debug)]
pub struct Share {
    bytes: usize,
    by: String,
    used: Rc<RefCell<BTreeMap<String, usize>>>,
}

impl Budget {
    /// One of this many bytes.
    pub fn of(most: usize) -> Self {
        Self { most, used: Rc::default() }
    }

    /// Takes a part for the caller `by`; `None` where there is not as much left for it. Nobody has more than half of what
    /// all others leave, so that one who sends many slow bodies takes nothing from them.
    pub fn take(&self, by: &str, bytes: usize) -> Option<Share> {
        let mut used = self.used.borrow_mut();
        let own = used.get(by).copied().unwrap_or_default();
        let of_others = used.values().sum::<usize>() - own;
        let then = own.checked_add(bytes).filter(|then| *then <= (self.most - of_others) / 2)?;
        used.insert(by.to_owned(), then);
        Some(Share { bytes, by: by.to_owned(), used: Rc::clone(&self.used) })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut used = self.used.borrow_mut();
        let left = used.get(&self.by).copied().unwrap_or_default().saturating_sub(self.bytes);
        if left == 0 {
            used.remove(&self.by);
        } else {
            used.insert(self.by.clone(), left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_never_come_to_more_and_are_given_back() {
        let budget = Budget::of(20);
        let (four, six) = (budget.take("web", 4), budget.take("web", 6));
        assert!(
            four.is_some()
                && six.is_some()
                && budget.take("web", 1).is_none()
                && budget.take("web", 0).is_some()
        );
        drop(four);
        assert!(budget.take("web", 5).is_none());
        let again = budget.take("web", 4);
        assert!(again.is_some() && budget.take("web", usize::MAX).is_none());
        drop((six, again));
        assert!(budget.used.borrow().is_empty() && budget.take("web", 10).is_some());
    }

    #[test]
    fn one_who_takes_all_it_can_leaves_the_others_theirs() {
        let budget = Budget::of(24);
        let all_of = |by: &str| -> Vec<Share> { std::iter::from_fn(|| budget.take(by, 1)).collect() };
        let kept: Vec<Vec<Share>> = ["a", "b", "c", "d"].map(all_of).into();
        assert_eq!(kept.iter().map(Vec::len).collect::<Vec<_>>(), [12, 6, 3, 1]);
        assert!(budget.used.borrow().values().sum::<usize>() <= 24);
    }
}
