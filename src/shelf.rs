//! The copies of records in the memory of this isolate, so that the hot read does no I/O. Plain data
//! only: a future of another request must not be awaited here.

use litemap::LiteMap;
use std::cell::RefCell;
use zhongkong_core::app::AppName;
use zhongkong_core::credential::Credential;
use zhongkong_core::map;
use zhongkong_core::shelf::Shelf;

/// The shelves of all apps.
pub(crate) struct Shelves(LiteMap<AppName, RefCell<LiteMap<Credential, Shelf>>>);

impl Shelves {
    pub(crate) fn new(apps: impl Iterator<Item = AppName>) -> Self {
        Self(map::of(apps.map(|app| (app, RefCell::default()))))
    }

    /// Works on the shelf of one credential; `None` for an app that is not configured.
    pub(crate) fn at<T>(
        &self,
        app: &AppName,
        credential: Credential,
        work: impl FnOnce(&mut Shelf) -> T,
    ) -> Option<T> {
        let mut shelves = self.0.get(app)?.borrow_mut();
        Some(work(shelves.entry(credential).or_default()))
    }
}
