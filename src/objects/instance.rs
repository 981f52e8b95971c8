//! One life of a Keeper: the machine, as it was loaded from SQLite, and what its effects are written with.

use super::database::Database;
use crate::bindings::{self, Centre};
use crate::{analytics, log, platform};
use futures_channel::oneshot;
use serde_json::json;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use worker::{Env, State};
use zhongkong_core::app::AppName;
use zhongkong_core::config::{AppEntry, ReadyApp};
use zhongkong_core::credential::Credential;
use zhongkong_core::engine::Slot;
use zhongkong_core::history::{Action, Deed, Line};
use zhongkong_core::keeper::{Effect, Machine, QuestionId, Setup};
use zhongkong_core::protocol::Reply;
use zhongkong_core::seal::Sealer;
use zhongkong_tables::{History, Loaded, Settings, Slots};

/// What a question comes to; `Err` says what is wrong with it.
pub(super) type Answer = Result<Reply, &'static str>;

/// The machine, and what its effects are carried out with.
pub(super) struct Instance {
    pub(super) ready: Rc<ReadyApp>,
    pub(super) centre: Rc<Centre>,
    pub(super) machine: RefCell<Machine>,
    slots: Slots<Database>,
    pub(super) settings: Settings<Database>,
    pub(super) history: History<Database>,
    pub(super) questions: RefCell<BTreeMap<QuestionId, oneshot::Sender<Answer>>>,
    pub(super) asked: Cell<QuestionId>,
    /// A commit has failed: what memory holds is not what a restart would find.
    pub(super) is_over: Cell<bool>,
}

impl Instance {
    /// Reads what SQLite holds.
    pub(super) fn load(state: &State, env: &Env, app: &AppName) -> worker::Result<(Self, Vec<Effect>)> {
        let centre = bindings::centre(env);
        let ready = match centre.config.apps.get(app) {
            Some(AppEntry::Ready(ready)) => Rc::clone(ready),
            _ => return Err(failed("the app is not configured, or wrongly")),
        };
        let database = Database::of(state);
        let (stored, settings) = (Slots::open(database.clone())?, Settings::open(database.clone())?);
        stored.set_app(app)?;
        let history = History::open(database)?;
        history.forget_old(platform::now())?;
        let (mut slots, mut lost) = (BTreeMap::new(), Vec::new());
        for (credential, loaded) in stored.load(app, sealer(&centre)?)? {
            let slot = match loaded {
                Loaded::Whole(slot) => *slot,
                Loaded::DoesNotOpen(version) => {
                    log::error("slot_does_not_open", json!({"app": app, "credential": credential}));
                    let deed = Deed::of_keeper(Action::Open, Some(credential), "slot_does_not_open");
                    lost.push(Deed { version: Some(version), ..deed });
                    Slot::with_version(version)
                }
            };
            slots.insert(credential, slot);
        }
        let alerts = centre.config.webhook.as_ref().map(|webhook| webhook.language);
        let setup = Setup::new(&ready, alerts);
        let (machine, effects) = Machine::load(setup, slots, settings.book()?, platform::instant());
        let (machine, questions) = (RefCell::new(machine), RefCell::default());
        let (asked, is_over) = (Cell::new(0), Cell::new(false));
        let instance =
            Self { ready, centre, machine, slots: stored, settings, history, questions, asked, is_over };
        lost.iter().for_each(|deed| instance.tell(deed));
        Ok((instance, effects))
    }

    pub(super) fn commit(&self, credential: Credential, slot: &Slot) -> worker::Result<()> {
        let (app, sealer) = (&self.ready.app.name, sealer(&self.centre)?);
        self.slots.save(app, credential, slot, sealer, platform::random())
    }

    /// Tells the history. One that cannot be written stops nothing else.
    pub(super) fn tell(&self, deed: &Deed<'_>) {
        let line = Line::new(deed, platform::now());
        analytics::tell(&self.centre, &self.ready.app.name, &line);
        if let Err(error) = self.history.add(&line, line.first_at) {
            let app = &self.ready.app.name;
            log::warn("history_not_written", json!({"app": app, "detail": error.to_string()}));
        }
    }

    pub(super) fn reply(&self, id: QuestionId, mut answer: Answer) {
        if let Ok(Reply::Status(report) | Reply::Checked { report, .. }) = &mut answer {
            match self.history.counts().totals() {
                Ok(counts) => report.counts = counts,
                Err(error) => {
                    let app = &self.ready.app.name;
                    log::warn("history_not_read", json!({"app": app, "detail": error.to_string()}));
                }
            }
        }
        // The receiver is gone when the Worker's request has ended.
        if let Some(sender) = self.questions.borrow_mut().remove(&id) {
            drop(sender.send(answer));
        }
    }
}

fn sealer(centre: &Centre) -> worker::Result<&Sealer> {
    centre.config.sealer.as_ref().ok_or_else(|| failed("SEAL_KEY is missing or wrong"))
}

pub(super) fn failed(why: &str) -> worker::Error {
    worker::Error::RustError(why.to_owned())
}
