//! The book of incidents in an object's SQLite, and sending what is in it.
//!
//! What the receiver said is not logged, nor is its address, which is a key.

use super::database::Database;
use super::set_alarm;
use crate::bindings::Centre;
use crate::webhook::send;
use crate::{log, platform};
use serde_json::json;
use std::cell::RefCell;
use worker::State;
use zhongkong_core::alert::{Book, Finding, Notice};
use zhongkong_core::app::AppName;
use zhongkong_core::keeper::{Arrival, Incidents, Step};
use zhongkong_tables::Settings;

/// Commits the book. One that cannot be written stops nothing else.
pub(super) fn commit_book(settings: &Settings<Database>, app: Option<&AppName>, book: &Book) {
    if let Err(error) = settings.set_book(book) {
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
    settings: Settings<Database>,
    app: Option<AppName>,
    incidents: RefCell<Incidents>,
}

impl Notices {
    pub(super) fn open(state: &State, centre: &Centre, app: Option<AppName>) -> worker::Result<Self> {
        let settings = Settings::open(Database::of(state))?;
        let incidents = Incidents::new(settings.book()?, centre.config.webhook.is_some());
        Ok(Self { settings, app, incidents: RefCell::new(incidents) })
    }

    pub(super) fn book(&self) -> Book {
        self.incidents.borrow().book().clone()
    }

    /// Compares what is wrong now with what was, and sends what is due.
    pub(super) async fn look(
        &self,
        state: &State,
        centre: &Centre,
        findings: &[Finding],
    ) -> worker::Result<()> {
        self.incidents.borrow_mut().look(findings, platform::now());
        self.deliver(state, centre).await
    }

    /// Sends what is due, one after the other.
    pub(super) async fn deliver(&self, state: &State, centre: &Centre) -> worker::Result<()> {
        loop {
            let Step { commit, alarm_at, send } = self.incidents.borrow_mut().next_step(platform::now());
            if let Some(book) = commit {
                commit_book(&self.settings, self.app.as_ref(), &book);
            }
            if let Some(at) = alarm_at {
                set_alarm(state, at).await?;
            }
            let Some(notice) = send else { return Ok(()) };
            let arrived = deliver(centre, self.app.as_ref(), &notice).await;
            let sent = self.incidents.borrow_mut().sent(notice.id, arrived, platform::now());
            if let Some((notice, arrival)) = sent {
                log_arrival(self.app.as_ref(), &notice, arrival);
            }
        }
    }
}
