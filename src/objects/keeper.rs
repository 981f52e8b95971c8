//! The Keeper's desk: slots in memory and in SQLite, and the effects of each decision.
//!
//! Concurrency: between reading a slot and committing the decision there is no await, so no other
//! event comes between. While a call to WeChat is under way other events do come in; the slot itself
//! says that a call is under way, and they wait for the same flight.

use super::alerts::Alerts;
use super::announce::announce;
use super::flight::Flights;
use super::history::History;
use super::opened::Opened;
use super::storage::Storage;
use super::unreadable;
use crate::bindings::{self, Centre};
use crate::{log, platform};
use serde_json::json;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;
use worker::{Delay, Env, State};
use zhongkong_core::app::AppName;
use zhongkong_core::config::{AppEntry, ReadyApp};
use zhongkong_core::credential::{Credential, Version};
use zhongkong_core::encoding::{from_json, to_json};
use zhongkong_core::engine::{Answer, Effects, Event, Patience, Rules, Slot, decide};
use zhongkong_core::history::upkeep;
use zhongkong_core::protocol::{Ask, Question, Reply};
use zhongkong_core::time::UnixTime;

/// A reader waits so long for a refresh, in milliseconds.
const READER_WAITS_MS: u64 = 5_000;

const A_DAY: Duration = Duration::from_secs(24 * 3600);

/// A call that is due within a moment is looked for again after this.
const UNTIL_DUE: Duration = Duration::from_millis(500);

pub(super) struct Desk {
    pub(super) state: State,
    pub(super) env: Env,
    opened: RefCell<Option<Rc<Opened>>>,
    pub(super) alerts: RefCell<Option<Rc<Alerts>>>,
    pub(super) flights: Flights,
    /// The host that has answered the last call.
    pub(super) answering_host: Cell<Option<usize>>,
    pub(super) publishing: RefCell<Vec<Credential>>,
    pub(super) alarm_at_ms: Cell<Option<u64>>,
    /// What the roster has been told: when to wake us, and which token we hold.
    pub(super) noted: Cell<Option<(UnixTime, Version)>>,
    pub(super) noting: Cell<bool>,
    pub(super) note_after_ms: Cell<u64>,
}

impl Desk {
    pub(super) fn new(state: State, env: Env) -> Self {
        Self {
            state,
            env,
            opened: RefCell::default(),
            alerts: RefCell::default(),
            flights: Flights::default(),
            answering_host: Cell::new(None),
            publishing: RefCell::default(),
            alarm_at_ms: Cell::new(None),
            noted: Cell::new(None),
            noting: Cell::new(false),
            note_after_ms: Cell::new(0),
        }
    }

    /// Answers a [`Question`] with a [`Reply`], after waiting for a flight where the engine says so.
    pub(super) async fn answer(self: &Rc<Self>, question: &str) -> worker::Result<String> {
        let question: Question = from_json(question).map_err(unreadable)?;
        self.open(&question.app)?;
        if question.identity != self.ready()?.identity {
            // During a deployment the Worker and the Keeper may be of different versions.
            return Err(worker::Error::RustError(
                "the Keeper runs under another identity than the Worker".to_owned(),
            ));
        }
        let reply = match question.ask {
            Ask::Read { credential, min_ttl_s, shown } => {
                self.is_kept(credential)?;
                if let Some(version) = shown {
                    self.step(credential, Event::StoreShows(version))?;
                }
                self.converse(credential, |patience| Event::Read { min_ttl_s, patience }).await
            }
            Ask::Stale { credential, digest } => {
                self.is_kept(credential)?;
                self.converse(credential, |patience| Event::StaleReport { digest, patience }).await
            }
            Ask::Wake { shown } => {
                // Whoever wakes us may have it from the roster, and that may have been written over since.
                self.noted.set(None);
                self.wake(&shown).await.map(|()| Reply::Awake)
            }
            Ask::Revoke => self
                .step(Credential::AccessToken, Event::Revoke)
                .and_then(|_| self.report())
                .map(Reply::Status),
            Ask::Reseal => self.reseal(),
            Ask::Check(only) => self.check(only).await,
            Ask::Status => self.report().map(Reply::Status),
        };
        self.set_alarm().await?;
        to_json(&reply?).map_err(unreadable)
    }

    /// The alarm: does what is due. A Keeper that was never asked has nothing to do, nor has one
    /// whose app is gone or faulty: a deployment that mends it comes with a cron and readers.
    pub(super) async fn alarm(self: &Rc<Self>) -> worker::Result<()> {
        self.alarm_at_ms.set(None);
        let centre = bindings::centre(&self.env);
        let Some(app) = Storage::open(&self.state)?.app()? else { return self.deliver(&centre, None) };
        if !matches!(centre.config.apps.get(&app), Some(AppEntry::Ready(_))) {
            log::info("keeper_rests", json!({"app": app, "detail": "the app is not configured, or wrongly"}));
            self.deliver_at_rest(&centre, &app)?;
            // Its history ends with its time.
            let goes_on = History::open(&self.state)?.forget_old(platform::now())?;
            return if goes_on { self.set_alarm_in(A_DAY).await } else { Ok(()) };
        }
        self.open(&app)?;
        // The next alarm stands before the work begins: a Keeper killed during it comes back.
        self.set_alarm().await?;
        self.wake(&[]).await?;
        self.look();
        self.set_alarm().await
    }

    /// The app, once it is known.
    pub(super) fn app(&self) -> Option<AppName> {
        self.opened.borrow().as_ref().map(|opened| opened.ready.app.name.clone())
    }

    pub(super) fn opened(&self) -> worker::Result<Rc<Opened>> {
        self.opened
            .borrow()
            .clone()
            .ok_or_else(|| worker::Error::RustError("the Keeper does not know its app yet".to_owned()))
    }

    /// Opens the desk on first use. After a failure the next event tries again.
    fn open(self: &Rc<Self>, app: &AppName) -> worker::Result<()> {
        if self.opened.borrow().is_some() {
            return Ok(());
        }
        let opened = Rc::new(Opened::load(&self.state, &self.env, app)?);
        *self.opened.borrow_mut() = Some(Rc::clone(&opened));
        let taken_up = self.take_up(&opened.ready);
        if taken_up.is_err() {
            *self.opened.borrow_mut() = None;
        }
        taken_up
    }

    /// Tells the slots whom they serve. What was under way when the Keeper was killed is lost.
    fn take_up(self: &Rc<Self>, ready: &ReadyApp) -> worker::Result<()> {
        for credential in ready.app.credentials() {
            self.step(credential, Event::Configured(ready.identity))?;
            self.give_up_lost_call(credential)?;
        }
        Ok(())
    }

    /// A call under way that no flight carries has lost its outcome.
    pub(super) fn give_up_lost_call(self: &Rc<Self>, credential: Credential) -> worker::Result<()> {
        if self.slot(credential)?.has_call_under_way() && self.flights.under_way(credential).is_none() {
            self.step(credential, Event::Lost)?;
        }
        Ok(())
    }

    pub(super) fn slot(&self, credential: Credential) -> worker::Result<Slot> {
        Ok(self.opened()?.slots.borrow().get(&credential).cloned().unwrap_or_default())
    }

    pub(super) fn ready(&self) -> worker::Result<Rc<ReadyApp>> {
        Ok(Rc::clone(&self.opened()?.ready))
    }

    pub(super) fn centre(&self) -> worker::Result<Rc<Centre>> {
        Ok(Rc::clone(&self.opened()?.centre))
    }

    /// One decision, committed, with its effects under way. No await in here.
    pub(super) fn step(self: &Rc<Self>, credential: Credential, event: Event) -> worker::Result<Effects> {
        let opened = self.opened()?;
        let rules = Rules::of(&opened.ready.app, credential);
        let before = self.slot(credential)?;
        let moment = platform::moment();
        let (slot, effects) = decide(rules, &before, moment, event.clone());
        if effects.persist {
            opened.storage.save(
                &opened.ready.app.name,
                credential,
                &slot,
                opened.sealer()?,
                platform::random(),
            )?;
        }
        if slot.version() > before.version() {
            log::info(
                "rotated",
                json!({"app": opened.ready.app.name, "credential": credential, "version": slot.version()}),
            );
        }
        for deed in upkeep(credential, &event, &before, &slot, &effects) {
            opened.tell(&deed, moment.now);
        }
        opened.slots.borrow_mut().insert(credential, slot);
        if let (Some(wake_at), Some(call_at)) = (effects.wake_at, effects.call_at) {
            opened.wake_at.borrow_mut().insert(credential, (wake_at, call_at));
        }
        for alert in &effects.alerts {
            announce(&opened.ready.app.name, credential, rules, alert);
        }
        if let Some(call) = effects.call {
            self.fly(credential, call);
        }
        if effects.publish && !self.publishing.borrow().contains(&credential) {
            self.publishing.borrow_mut().push(credential);
            let desk = Rc::clone(self);
            self.state.wait_until(desk.publish(credential));
        }
        if effects.persist {
            self.look();
        }
        Ok(effects)
    }

    /// During a deployment the Worker may know of a ticket that this instance does not keep.
    fn is_kept(&self, credential: Credential) -> worker::Result<()> {
        let kept = self.ready()?.app.credentials().any(|kept| kept == credential);
        if kept { Ok(()) } else { Err(worker::Error::RustError("this credential is not kept".to_owned())) }
    }

    /// Asks the engine, waits where it says so, asks again. After [`READER_WAITS_MS`] it takes what
    /// there is.
    async fn converse(
        self: &Rc<Self>,
        credential: Credential,
        event: impl Fn(Patience) -> Event,
    ) -> worker::Result<Reply> {
        let first = self.slot(credential)?.version();
        let deadline = platform::now_millis() + READER_WAITS_MS;
        let mut patience = Patience::Left;
        loop {
            match self.step(credential, event(patience))?.answer {
                Some(Answer::Serve(record)) => {
                    let rotated = record.version > first;
                    return Ok(Reply::Served { record, rotated });
                }
                Some(Answer::Unavailable { retry_after_s, failure }) => {
                    let version = self.slot(credential)?.version();
                    return Ok(Reply::Unavailable { version, retry_after_s, failure });
                }
                Some(Answer::Wait) | None => {
                    self.give_up_lost_call(credential)?;
                    let left = Duration::from_millis(deadline.saturating_sub(platform::now_millis()));
                    match self.flights.under_way(credential) {
                        Some(flight) => drop(platform::timeout(flight, left).await),
                        None => Delay::from(left.min(UNTIL_DUE)).await,
                    }
                    if platform::now_millis() >= deadline {
                        patience = Patience::Spent;
                    }
                }
            }
        }
    }

    /// Does what is due for every credential, and waits until it is done. The store showed these
    /// versions.
    async fn wake(self: &Rc<Self>, shown: &[(Credential, Version)]) -> worker::Result<()> {
        let ready = self.ready()?;
        for credential in ready.app.credentials() {
            for (_, version) in shown.iter().filter(|(shown, _)| *shown == credential) {
                self.step(credential, Event::StoreShows(*version))?;
            }
            self.give_up_lost_call(credential)?;
            self.step(credential, Event::Tick)?;
        }
        for credential in ready.app.credentials() {
            while let Some(flight) = self.flights.under_way(credential) {
                flight.await;
            }
        }
        Ok(())
    }

    /// Seals every slot with the current key and publishes it anew.
    fn reseal(self: &Rc<Self>) -> worker::Result<Reply> {
        let opened = self.opened()?;
        let loaded: Vec<Credential> = opened.slots.borrow().keys().copied().collect();
        for credential in &loaded {
            let slot = self.slot(*credential)?;
            let (sealer, nonce) = (opened.sealer()?, platform::random());
            opened.storage.save(&opened.ready.app.name, *credential, &slot, sealer, nonce)?;
            if self.is_kept(*credential).is_ok() {
                self.step(*credential, Event::Reseal)?;
            }
        }
        Ok(Reply::Resealed { slots: loaded.len() })
    }

    /// When the first of the credentials wants to be looked at, or an alert to be delivered.
    pub(super) fn planned(&self) -> Option<UnixTime> {
        let opened = self.opened.borrow().clone()?;
        let planned = opened.wake_at.borrow().values().map(|(wake_at, _)| *wake_at).min();
        let alert = self.alerts().ok().and_then(|alerts| alerts.due_at(&opened.centre));
        planned.into_iter().chain(alert).min()
    }

    /// When WeChat is to be called next.
    pub(super) fn next_call(&self) -> Option<UnixTime> {
        self.opened.borrow().as_ref()?.wake_at.borrow().values().map(|(_, call_at)| *call_at).min()
    }
}
