//! What a Keeper knows once it knows its app: the slots as SQLite held them, and where they go.

use super::history::History;
use super::storage::{Loaded, Storage};
use crate::bindings::{self, Centre};
use crate::{analytics, log, platform};
use serde_json::json;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use worker::{Env, State};
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
    pub(super) slots: RefCell<BTreeMap<Credential, Slot>>,
    /// For each credential: when it wants to be looked at, and when WeChat is to be called for it.
    pub(super) wake_at: RefCell<BTreeMap<Credential, (UnixTime, UnixTime)>>,
}

impl Opened {
    /// Reads what SQLite holds.
    pub(super) fn load(state: &State, env: &Env, app: &AppName) -> worker::Result<Self> {
        let centre = bindings::centre(env);
        let ready = match centre.config.apps.get(app) {
            Some(AppEntry::Ready(ready)) => Rc::clone(ready),
            _ => return Err(worker::Error::RustError("the app is not configured, or wrongly".to_owned())),
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
                    log::error("slot_does_not_open", json!({"app": app, "credential": credential}));
                    let deed = Deed::of_keeper(Action::Open, Some(credential), "slot_does_not_open");
                    opened.tell(&Deed { version: Some(version), ..deed }, platform::now());
                    Slot::with_version(version)
                }
            };
            opened.slots.borrow_mut().insert(credential, slot);
        }
        Ok(opened)
    }

    pub(super) fn sealer(&self) -> worker::Result<&Sealer> {
        self.centre
            .config
            .sealer
            .as_ref()
            .ok_or_else(|| worker::Error::RustError("SEAL_KEY is missing or wrong".to_owned()))
    }

    /// Tells the history. One that cannot be written stops nothing else.
    pub(super) fn tell(&self, deed: &Deed<'_>, now: UnixTime) {
        let line = Line::new(deed, now);
        analytics::tell(&self.centre, &self.ready.app.name, &line);
        if let Err(error) = self.history.add(&line) {
            let app = &self.ready.app.name;
            log::warn("history_not_written", json!({"app": app, "detail": error.to_string()}));
        }
    }
}
