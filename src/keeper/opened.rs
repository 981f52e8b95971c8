//! What a Keeper knows once it knows its app: the slots as SQLite held them, and where they go.

use super::history::History;
use super::storage::{Loaded, Storage};
use crate::bindings::{self, Centre};
use crate::runtime::{Env, State};
use crate::trouble::{self, Trouble};
use crate::{analytics, log, platform};
use litemap::LiteMap;
use std::cell::RefCell;
use std::rc::Rc;
use zhongkong_core::app::AppName;
use zhongkong_core::config::{AppEntry, ReadyApp};
use zhongkong_core::credential::Credential;
use zhongkong_core::engine::Slot;
use zhongkong_core::history::{Action, Deed, Line};
use zhongkong_core::seal::Sealer;
use zhongkong_core::time::UnixTime;

pub(super) struct Opened {
    pub(super) ready: Rc<ReadyApp>,
    pub(super) centre: Rc<Centre>,
    pub(super) storage: Storage,
    pub(super) history: History,
    pub(super) slots: RefCell<LiteMap<Credential, Slot>>,
    /// For each credential: when it wants to be looked at, and when WeChat is to be called for it.
    pub(super) wake_at: RefCell<LiteMap<Credential, (UnixTime, UnixTime)>>,
}

impl Opened {
    /// Reads what SQLite holds.
    pub(super) fn load(state: &State, env: &Env, app: &AppName) -> trouble::Result<Self> {
        let centre = bindings::centre(env);
        let ready = match centre.config.apps.get(app) {
            Some(AppEntry::Ready(ready)) => Rc::clone(ready),
            _ => return Err(Trouble::new("the app is not configured, or wrongly")),
        };
        let storage = Storage::open(state)?;
        if storage.app()?.as_ref() != Some(app) {
            storage.set_app(app)?;
        }
        let history = History::open(state)?;
        history.forget_old(platform::now())?;
        let (slots, wake_at) = (RefCell::default(), RefCell::default());
        let opened = Self { ready, centre, storage, history, slots, wake_at };
        for (credential, loaded) in opened.storage.load(app, opened.sealer()?)? {
            let slot = match loaded {
                Loaded::Whole(slot) => *slot,
                Loaded::DoesNotOpen(version) => {
                    log::error("slot_does_not_open", &[("app", &app), ("credential", &credential)]);
                    let deed = Deed::of_keeper(Action::Open, Some(credential), "slot_does_not_open");
                    opened.tell(&Deed { version: Some(version), ..deed }, platform::now());
                    Slot::with_version(version)
                }
            };
            opened.slots.borrow_mut().insert(credential, slot);
        }
        Ok(opened)
    }

    pub(super) fn sealer(&self) -> trouble::Result<&Sealer> {
        self.centre.config.sealer.as_ref().ok_or_else(|| Trouble::new("SEAL_KEY is missing or wrong"))
    }

    /// Tells the history. One that cannot be written stops nothing else.
    pub(super) fn tell(&self, deed: &Deed<'_>, now: UnixTime) {
        let line = Line::new(deed, now);
        analytics::tell(&self.centre, &self.ready.app.name, &line);
        if let Err(error) = self.history.add(&line) {
            let app = &self.ready.app.name;
            log::warn("history_not_written", &[("app", &app), ("detail", &error.to_string())]);
        }
    }
}
