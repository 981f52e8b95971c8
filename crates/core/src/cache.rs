//! The credentials that an isolate remembers, and what it may do with its copies without asking.
//!
//! In scope: how long a copy is served, which of two records is the newer, what the Keeper has invalidated.
//! Out of scope: fetching, and whether a record is trusted at all ([`crate::record::Freshness`]).

use crate::app::AppName;
use crate::credential::{Credential, Version};
use crate::record::Record;
use core::cmp::Reverse;
use std::collections::BTreeMap;
use std::rc::Rc;

/// For so long a copy is served without asking the store, in milliseconds.
const COPY_FRESH_MS: u64 = 5_000;

/// An isolate wakes the Keeper of a due credential no more often than this, in milliseconds.
const WAKE_APART_MS: u64 = 5_000;

/// The copies of all apps.
#[derive(Clone, Debug, Default)]
pub struct CredentialCache(BTreeMap<AppName, BTreeMap<Credential, CacheEntry>>);

impl CredentialCache {
    /// The copy of one credential, if there is one.
    pub fn get(&self, app: &AppName, credential: Credential) -> Option<&CacheEntry> {
        self.0.get(app)?.get(&credential)
    }

    /// The place of one credential. Ask for configured apps only: it is made where it is missing.
    pub fn entry(&mut self, app: &AppName, credential: Credential) -> &mut CacheEntry {
        self.0.entry(app.clone()).or_default().entry(credential).or_default()
    }
}

/// The copy of one credential.
#[derive(Clone, Debug, Default)]
pub struct CacheEntry {
    copy: Option<Rc<Record>>,
    checked_ms: u64,
    woken_ms: u64,
    /// The Keeper has said that nothing up to this version is to be served.
    invalid_up_to: Version,
}

impl CacheEntry {
    /// The copy, if it was checked against the store or the Keeper within the last seconds.
    pub fn fresh(&self, now_ms: u64) -> Option<&Rc<Record>> {
        self.copy.as_ref().filter(|_| now_ms.saturating_sub(self.checked_ms) < COPY_FRESH_MS)
    }

    /// Takes a record over from the Keeper: its word replaces the copy.
    pub fn put(&mut self, record: Rc<Record>, now_ms: u64) {
        let woken_ms = self.woken_ms;
        *self = Self { copy: Some(record), checked_ms: now_ms, woken_ms, invalid_up_to: Version::NONE };
    }

    /// Compares a record from the store with the copy, and gives back the one to go by. The store may
    /// be minutes behind what this isolate has heard from the Keeper: the newer version counts, and
    /// of the same version the shorter life. `None`: the Keeper has invalidated it.
    pub fn reconcile(&mut self, record: Record, now_ms: u64) -> Option<&Rc<Record>> {
        if record.version <= self.invalid_up_to {
            return None;
        }
        let rank = |record: &Record| (record.version, Reverse(record.expires_at));
        let newest = match self.copy.take() {
            Some(copy) if copy.identity == record.identity && rank(&copy) > rank(&record) => copy,
            _ => Rc::new(record),
        };
        self.checked_ms = now_ms;
        Some(self.copy.insert(newest))
    }

    /// Takes the copy away: the Keeper has said that nothing up to `version` is to be served. The
    /// store may go on holding it for a while.
    pub fn invalidate_up_to(&mut self, version: Version) {
        self.copy = None;
        self.invalid_up_to = version;
    }

    /// Whether this isolate has not woken the Keeper for a few seconds.
    pub const fn may_wake(&self, now_ms: u64) -> bool {
        now_ms.saturating_sub(self.woken_ms) >= WAKE_APART_MS
    }

    /// Notes that this isolate wakes the Keeper now.
    pub const fn wakes(&mut self, now_ms: u64) {
        self.woken_ms = now_ms;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::shop;
    use crate::credential::Value;
    use crate::time::UnixTime;

    fn record(version: u64, expires_at: u64) -> Record {
        let expires_at = UnixTime::from_secs(expires_at);
        Record {
            version: Version::new(version),
            value: Value::parse("value").unwrap(),
            expires_at,
            refresh_at: expires_at,
            trust_until: expires_at,
            identity: shop().identity(),
        }
    }

    fn rc(version: u64, expires_at: u64) -> Rc<Record> {
        Rc::new(record(version, expires_at))
    }

    #[test]
    fn a_store_that_is_behind_does_not_take_the_newer_copy_away() {
        let mut entry = CacheEntry::default();
        entry.put(rc(8, 900), 0);
        assert_eq!(entry.reconcile(record(7, 999), 6000), Some(&rc(8, 900)));
        assert_eq!(entry.reconcile(record(8, 999), 6000), Some(&rc(8, 900)), "the shorter life");
        assert_eq!(entry.reconcile(record(9, 100), 6000), Some(&rc(9, 100)));
    }

    #[test]
    fn the_keepers_word_replaces_everything() {
        let mut entry = CacheEntry::default();
        entry.put(rc(8, 900), 0);
        entry.put(rc(8, 500), 1);
        assert_eq!(entry.fresh(2), Some(&rc(8, 500)));
        entry.put(rc(1, 700), 3);
        assert_eq!(entry.fresh(4), Some(&rc(1, 700)));
        assert_eq!(entry.fresh(5003), None);
    }

    #[test]
    fn what_the_keeper_has_invalidated_is_not_taken_back_from_the_store() {
        let mut entry = CacheEntry::default();
        entry.put(rc(7, 900), 0);
        entry.invalidate_up_to(Version::new(7));
        assert_eq!(entry.fresh(1), None);
        assert_eq!(entry.reconcile(record(7, 900), 2), None);
        assert_eq!(entry.reconcile(record(8, 900), 3), Some(&rc(8, 900)));
    }

    #[test]
    fn the_keeper_is_woken_once_in_a_few_seconds() {
        let mut entry = CacheEntry::default();
        let mut asks = |now| {
            let may = entry.may_wake(now);
            if may {
                entry.wakes(now);
            }
            may
        };
        assert_eq!([9000, 9001, 13_999, 14_000].map(&mut asks), [true, false, false, true]);
    }
}
