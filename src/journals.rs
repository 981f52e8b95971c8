//! What callers have done, in the memory of this isolate, until it is sent to the Keepers. Plain data only.

use crate::platform;
use litemap::LiteMap;
use std::cell::RefCell;
use zhongkong_core::app::AppName;
use zhongkong_core::history::{Deed, Journal};
use zhongkong_core::map;
use zhongkong_core::tally::Source;

/// A journal for each configured app, for those who may; and one for all who may not, which costs the
/// same whether there is such an app or not.
pub(crate) struct Journals {
    apps: LiteMap<AppName, RefCell<Journal>>,
    refused: RefCell<Journal>,
}

impl Journals {
    pub(crate) fn new(apps: impl Iterator<Item = AppName>) -> Self {
        Self { apps: map::of(apps.map(|app| (app, RefCell::default()))), refused: RefCell::default() }
    }

    /// The journal of an app, or that of those who may not.
    pub(crate) fn of(&self, app: Option<&AppName>) -> &RefCell<Journal> {
        app.and_then(|app| self.apps.get(app)).unwrap_or(&self.refused)
    }

    /// Notes where a read was served from.
    pub(crate) fn note_read(&self, app: &AppName, source: Source) {
        self.of(Some(app)).borrow_mut().note_read(source);
    }

    /// Notes something beside a request; it goes along with the next sending.
    pub(crate) fn note(&self, app: &AppName, deed: &Deed<'_>) {
        self.of(Some(app)).borrow_mut().note(deed, platform::now());
    }
}
