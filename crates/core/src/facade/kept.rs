//! How much may be kept at once: bodies that can be sent a second time take a share of one budget, and give it back.

use std::cell::Cell;
use std::rc::Rc;

/// A budget, in bytes.
#[derive(Debug)]
pub struct Budget {
    most: usize,
    used: Rc<Cell<usize>>,
}

/// A part of a budget, given back when it is dropped.
#[derive(Debug)]
pub struct Share {
    bytes: usize,
    used: Rc<Cell<usize>>,
}

impl Budget {
    /// One of this many bytes.
    pub fn of(most: usize) -> Self {
        Self { most, used: Rc::default() }
    }

    /// Takes a part; `None` where there is not as much left.
    pub fn take(&self, bytes: usize) -> Option<Share> {
        let used = self.used.get().checked_add(bytes).filter(|used| *used <= self.most)?;
        self.used.set(used);
        Some(Share { bytes, used: Rc::clone(&self.used) })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.used.set(self.used.get().saturating_sub(self.bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_never_come_to_more_and_are_given_back() {
        let budget = Budget::of(10);
        let (four, six) = (budget.take(4), budget.take(6));
        assert!(four.is_some() && six.is_some() && budget.take(1).is_none() && budget.take(0).is_some());
        drop(four);
        assert!(budget.take(5).is_none());
        let again = budget.take(4);
        assert!(again.is_some() && budget.take(usize::MAX).is_none());
        drop((six, again));
        assert!(budget.take(10).is_some());
    }
}
