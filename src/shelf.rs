//! Copies of records in the memory of this isolate, so that the hot read does no I/O.
//!
//! A copy is looked at for a few seconds, then the store is asked again. Plain data only: a future
//! of another request must not be awaited here.

use std::cell::RefCell;
use std::collections::BTreeMap;
use zhongkong_core::app::AppName;
use zhongkong_core::credential::Credential;
use zhongkong_core::record::Record;

/// For so long a copy is served without asking the store, in milliseconds.
const COPY_FRESH_MS: u64 = 5_000;

/// An isolate wakes the Keeper of a due credential no more often than this, in milliseconds.
const WAKE_APART_MS: u64 = 5_000;

/// The copies of all apps.
pub(crate) struct Shelves(BTreeMap<AppName, RefCell<BTreeMap<Credential, Copy>>>);

struct Copy {
    record: Record,
    checked_ms: u64,
    woken_ms: u64,
}

impl Shelves {
    pub(crate) fn new(apps: impl Iterator<Item = AppName>) -> Self {
        Self(apps.map(|app| (app, RefCell::default())).collect())
    }

    /// The copy, if it was checked against the store or the Keeper within the last seconds.
    pub(crate) fn fresh(&self, app: &AppName, credential: Credential, now_ms: u64) -> Option<Record> {
        let shelf = self.0.get(app)?.borrow();
        let copy = shelf.get(&credential)?;
        (now_ms.saturating_sub(copy.checked_ms) < COPY_FRESH_MS).then(|| copy.record.clone())
    }

    /// Puts a record that was just read onto the shelf and gives back the newest one known: the
    /// store may be minutes behind what this isolate has heard from the Keeper.
    pub(crate) fn put(&self, app: &AppName, credential: Credential, record: Record, now_ms: u64) -> Record {
        let Some(shelf) = self.0.get(app) else { return record };
        let mut shelf = shelf.borrow_mut();
        let (newest, woken_ms) = match shelf.remove(&credential) {
            Some(copy) if is_newer(&copy.record, &record) => (copy.record, copy.woken_ms),
            Some(copy) => (record, copy.woken_ms),
            None => (record, 0),
        };
        shelf.insert(credential, Copy { record: newest.clone(), checked_ms: now_ms, woken_ms });
        newest
    }

    /// Takes the copy away: the Keeper has said that there is nothing to serve.
    pub(crate) fn clear(&self, app: &AppName, credential: Credential) {
        if let Some(shelf) = self.0.get(app) {
            shelf.borrow_mut().remove(&credential);
        }
    }

    /// Whether this isolate should wake the Keeper now; says yes once in a few seconds.
    pub(crate) fn should_wake(&self, app: &AppName, credential: Credential, now_ms: u64) -> bool {
        let Some(shelf) = self.0.get(app) else { return false };
        let mut shelf = shelf.borrow_mut();
        let Some(copy) = shelf.get_mut(&credential) else { return false };
        let rested = now_ms.saturating_sub(copy.woken_ms) >= WAKE_APART_MS;
        if rested {
            copy.woken_ms = now_ms;
        }
        rested
    }
}

/// Newer in version, or the same version confirmed for longer; never across identities.
fn is_newer(ours: &Record, theirs: &Record) -> bool {
    ours.identity == theirs.identity
        && (ours.version, ours.expires_at.as_secs()) > (theirs.version, theirs.expires_at.as_secs())
}
