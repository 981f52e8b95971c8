//! How much may be kept at once: bodies that can be sent a second time take a share of one budget, and give it back.

use std::cell::RefCell;
use std::rc::Rc;

/// A budget, in bytes.
#[derive(Debug)]
pub struct Budget {
    most: usize,
    taken: Rc<RefCell<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    next_id: u64,
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    id: u64,
    by: String,
    bytes: usize,
    until_ms: u64,
}

/// A part of a budget, given back when it is dropped.
#[derive(Debug)]
pub struct Share {
    id: u64,
    taken: Rc<RefCell<Taken>>,
}

impl Budget {
    /// One of this many bytes.
    pub fn of(most: usize) -> Self {
        Self { most, taken: Rc::default() }
    }

    /// Takes a part for the caller `by`; `None` where there is not as much left for it. A caller has at most half of
    /// what all others leave, so that many slow bodies of one caller take nothing from the others.
    ///
    /// It counts for `life_ms` at most: where a client resets its connection the runtime ends the request in the middle
    /// of an await, and nothing of it is dropped any more.
    pub fn take(&self, by: &str, bytes: usize, now_ms: u64, life_ms: u64) -> Option<Share> {
        let mut taken = self.taken.borrow_mut();
        taken.parts.retain(|part| part.until_ms > now_ms);
        let sum = |is_own: bool| -> usize {
            taken.parts.iter().filter(|part| (part.by == by) == is_own).map(|part| part.bytes).sum()
        };
        let left = self.most.saturating_sub(sum(false)) / 2;
        sum(true).checked_add(bytes).filter(|then| *then <= left)?;
        let id = taken.next_id;
        taken.next_id += 1;
        let until_ms = now_ms.saturating_add(life_ms);
        taken.parts.push(Part { id, by: by.to_owned(), bytes, until_ms });
        Some(Share { id, taken: Rc::clone(&self.taken) })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.taken.borrow_mut().parts.retain(|part| part.id != self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: u64 = 1_800_000_000_000;

    #[test]
    fn shares_never_come_to_more_and_are_given_back() {
        let budget = Budget::of(20);
        let take = |bytes| budget.take("web", bytes, T0, 1_000);
        let (four, six) = (take(4), take(6));
        assert!(four.is_some() && six.is_some() && take(1).is_none() && take(0).is_some());
        drop(four);
        assert!(take(5).is_none());
        let again = take(4);
        assert!(again.is_some() && take(usize::MAX).is_none());
        drop((six, again));
        assert!(budget.taken.borrow().parts.is_empty() && take(10).is_some());
    }

    #[test]
    fn one_who_takes_all_it_can_leaves_the_others_theirs() {
        let budget = Budget::of(24);
        let all_of =
            |by: &str| -> Vec<Share> { std::iter::from_fn(|| budget.take(by, 1, T0, 1_000)).collect() };
        let kept: Vec<Vec<Share>> = ["a", "b", "c", "d"].map(all_of).into();
        assert_eq!(kept.iter().map(Vec::len).collect::<Vec<_>>(), [12, 6, 3, 1]);
    }

    #[test]
    fn what_is_never_given_back_ends_by_itself() {
        let budget = Budget::of(20);
        std::mem::forget(budget.take("web", 10, T0, 1_000));
        assert!(budget.take("web", 1, T0 + 999, 1_000).is_none());
        let late = budget.take("web", 10, T0 + 1_000, 1_000);
        assert!(late.is_some() && budget.take("web", 1, T0 + 1_001, 1_000).is_none());
    }
}
