//! Copies of records in the memory of this isolate, so that the hot read does no I/O.
//!
//! A copy is looked at for a few seconds, then the store is asked again. Plain data only: a future
//! of another request must not be awaited here.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use zhongkong_core::app::AppName;
use zhongkong_core::credential::{Credential, Version};
use zhongkong_core::record::Record;

/// For so long a copy is served without asking the store, in milliseconds.
const COPY_FRESH_MS: u64 = 5_000;

/// An isolate wakes the Keeper of a due credential no more often than this, in milliseconds.
const WAKE_APART_MS: u64 = 5_000;

/// The copies of all apps.
pub(crate) struct Shelves(BTreeMap<AppName, RefCell<BTreeMap<Credential, Place>>>);

/// The place of one credential.
#[derive(Default)]
struct Place {
    copy: Option<Record>,
    checked_ms: u64,
    woken_ms: u64,
    /// The Keeper has said that nothing up to this version is to be served.
    barred: Version,
}

impl Shelves {
    pub(crate) fn new(apps: impl Iterator<Item = AppName>) -> Self {
        Self(apps.map(|app| (app, RefCell::default())).collect())
    }

    /// The copy, if it was checked against the store or the Keeper within the last seconds.
    pub(crate) fn fresh(&self, app: &AppName, credential: Credential, now_ms: u64) -> Option<Record> {
        let shelf = self.0.get(app)?.borrow();
        let place = shelf.get(&credential)?;
        let copy = place.copy.as_ref()?;
        (now_ms.saturating_sub(place.checked_ms) < COPY_FRESH_MS).then(|| copy.clone())
    }

    /// Takes a record over from the Keeper: its word replaces whatever was here.
    pub(crate) fn put(&self, app: &AppName, credential: Credential, record: &Record, now_ms: u64) {
        self.at(app, credential, |place| {
            let woken_ms = place.woken_ms;
            *place =
                Place { copy: Some(record.clone()), checked_ms: now_ms, woken_ms, barred: Version::NONE };
        });
    }

    /// Compares a record from the store with the copy, and gives back the one to go by. The store may
    /// be minutes behind what this isolate has heard from the Keeper: the newer version counts, and
    /// of the same version the shorter life. `None`: the Keeper has barred it.
    pub(crate) fn compare(
        &self,
        app: &AppName,
        credential: Credential,
        record: Record,
        now_ms: u64,
    ) -> Option<Record> {
        self.at(app, credential, |place| {
            if record.version <= place.barred {
                return None;
            }
            let rank = |record: &Record| (record.version, Reverse(record.expires_at));
            let newest = match place.copy.take() {
                Some(copy) if copy.identity == record.identity && rank(&copy) > rank(&record) => copy,
                _ => record,
            };
            place.checked_ms = now_ms;
            place.copy = Some(newest.clone());
            Some(newest)
        })?
    }

    /// Takes the copy away: the Keeper has said that nothing up to `version` is to be served. The
    /// store may go on holding it for a while.
    pub(crate) fn bar(&self, app: &AppName, credential: Credential, version: Version) {
        self.at(app, credential, |place| {
            place.copy = None;
            place.barred = version;
        });
    }

    /// Whether this isolate should wake the Keeper now; says yes once in a few seconds.
    pub(crate) fn should_wake(&self, app: &AppName, credential: Credential, now_ms: u64) -> bool {
        let rested = self.at(app, credential, |place| {
            let rested = now_ms.saturating_sub(place.woken_ms) >= WAKE_APART_MS;
            if rested {
                place.woken_ms = now_ms;
            }
            rested
        });
        rested.unwrap_or(false)
    }

    fn at<T>(&self, app: &AppName, credential: Credential, work: impl FnOnce(&mut Place) -> T) -> Option<T> {
        let mut shelf = self.0.get(app)?.borrow_mut();
        Some(work(shelf.entry(credential).or_default()))
    }
}
