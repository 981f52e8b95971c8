//! The book of incidents in an object's SQLite, and sending what is in it.
//!
//! What the receiver said is not logged, nor is its address, which is a key.

use super::settings::Settings;
use super::{set_alarm_in, unreadable};
use crate::bindings::Centre;
use crate::webhook::send;
use crate::{log, platform};
use serde_json::json;
use std::cell::RefCell;
use std::time::Duration;
use worker::State;
use zhongkong_core::alert::{Book, Finding, Notice};
use zhongkong_core::app::AppName;
use zhongkong_core::encoding::{from_json, to_json};
use zhongkong_core::keeper::{Arrival, Incidents};

const BOOK: &str = "alerts";

/// Reads the book. One that cannot be read any more begins anew: what goes on is found again.
pub(super) fn load_book(settings: &Settings) -> worker::Result<Book> {
    Ok(settings.get(BOOK)?.and_then(|text| from_json(&text).ok()).unwrap_or_default())
}

/// Commits the book. One that cannot be written stops nothing else.
pub(super) fn commit_book(settings: &Settings, app: Option<&AppName>, book: &Book) {
    let written = to_json(book).map_err(unreadable).and_then(|text| settings.set(BOOK, &text));
    if let Err(error) = written {
        log::warn("alerts_not_written", json!({"app": app, "detail": error.to_string()}));
    }
}

/// Sends a notice; says whether it has arrived.
pub(super) async fn deliver(centre: &Centre, app: Option<&AppName>, notice: &Notice) -> bool {
    let Some(webhook) = &centre.config.webhook else { return false };
    let sent = send(webhook, &webhook.envelope(app, notice, platform::now())).await;
    if let Err(why) = &sent {
        let (incident, phase) = (notice.incident, notice.phase);
        let fields = json!({"app": app, "incident": incident, "phase": phase, "detail": why});
        log::warn("alert_not_delivered", fields);
    }
    sent.is_ok()
}

/// Logs what became of a notice. Why one has not arrived is logged by [`deliver`].
pub(super) fn log_arrival(app: Option<&AppName>, notice: &Notice, arrival: Arrival) {
    let fields = json!({"app": app, "incident": notice.incident, "phase": notice.phase});
    match arrival {
        Arrival::Arrived => log::info("alert_delivered", fields),
        Arrival::GivenUp => log::error("alert_given_up", fields),
        Arrival::Again => {}
    }
}

/// The incidents of an object that keeps no credentials.
pub(super) struct Notices {
    settings: Settings,
    app: Option<AppName>,
    incidents: RefCell<Incidents>,
}

impl Notices {
    pub(super) fn open(state: &State, centre: &Centre, app: Option<AppName>) -> worker::Result<Self> {
        let settings = Settings::open(state)?;
        let incidents = Incidents::new(load_book(&settings)?, centre.config.webhook.is_some());
        Ok(Self { settings, app, incidents: RefCell::new(incidents) })
    }

    pub(super) fn book(&self) -> Book {
        self.incidents.borrow().book().clone()
    }

    /// Compares what is wrong now with what was.
    pub(super) fn look(&self, findings: &[Finding]) {
        self.incidents.borrow_mut().look(findings, platform::now());
        self.commit();
    }

    /// Sends what is due, and sets the alarm for what will be, or for the case that the object is killed meanwhile.
    pub(super) async fn deliver(&self, state: &State, centre: &Centre) -> worker::Result<()> {
        loop {
            let notice = self.incidents.borrow_mut().begin(platform::now());
            self.set_alarm(state).await?;
            let Some(notice) = notice else { return Ok(()) };
            let arrived = deliver(centre, self.app.as_ref(), &notice).await;
            let sent = self.incidents.borrow_mut().sent(notice.id, arrived, platform::now());
            self.commit();
            if let Some((notice, arrival)) = sent {
                log_arrival(self.app.as_ref(), &notice, arrival);
            }
        }
    }

    async fn set_alarm(&self, state: &State) -> worker::Result<()> {
        let Some(due_at) = self.incidents.borrow().due_at() else { return Ok(()) };
        set_alarm_in(state, Duration::from_secs(platform::now().until(due_at).max(1))).await
    }

    fn commit(&self) {
        if let Some(book) = self.incidents.borrow_mut().to_commit() {
            commit_book(&self.settings, self.app.as_ref(), &book);
        }
    }
}
