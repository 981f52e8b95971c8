//! The book of incidents in SQLite, and the delivery of what is in it. The Keeper of an app has one about its credentials, the
//! roster has one about the configuration.
//!
//! A notice is committed before it is sent, and crossed out when it has arrived: one that is sent while its Keeper is killed
//! may arrive twice, with the same id. What the receiver said is not logged, nor is its address, which is a key.

use super::meta::Meta;
use super::unreadable;
use crate::bindings::Centre;
use crate::webhook::send;
use crate::{log, platform};
use serde_json::json;
use std::cell::{Cell, Ref, RefCell};
use worker::State;
use zhongkong_core::alert::{Book, Finding, Notice};
use zhongkong_core::app::AppName;
use zhongkong_core::encoding::{from_json, to_json};
use zhongkong_core::time::UnixTime;

/// A Keeper that is killed while it sends comes back after this.
pub(super) const WHILE_SENDING_S: u64 = 15;

const BOOK: &str = "alerts";

/// A sending that has not ended after so long was given up by the runtime.
const NEVER_SENT_S: u64 = 600;

pub(super) struct Alerts {
    meta: Meta,
    book: RefCell<Book>,
    /// Since when.
    sending: Cell<Option<UnixTime>>,
}

impl Alerts {
    /// Reads the book. One that cannot be read any more begins anew: what goes on is found again.
    pub(super) fn open(state: &State) -> worker::Result<Self> {
        let meta = Meta::open(state)?;
        let book = meta.get(BOOK)?.and_then(|text| from_json(&text).ok()).unwrap_or_default();
        Ok(Self { meta, book: RefCell::new(book), sending: Cell::new(None) })
    }

    pub(super) fn book(&self) -> Ref<'_, Book> {
        self.book.borrow()
    }

    /// Compares what is wrong now with what was.
    pub(super) fn look(&self, findings: &[Finding], now: UnixTime, can_tell: bool) -> worker::Result<()> {
        self.change(|book| book.look(findings, now, can_tell))
    }

    /// When the next attempt to deliver is due; `None` with nothing to deliver, or nobody to deliver it to.
    pub(super) fn due_at(&self, centre: &Centre) -> Option<UnixTime> {
        let due_at = centre.config.webhook.as_ref().and_then(|_| self.book.borrow().due_at())?;
        Some(self.sending.get().map_or(due_at, |since| due_at.max(since.plus(WHILE_SENDING_S))))
    }

    /// Claims the sending of what is due, so that nobody else does and no alarm rings for it; false with nothing to send.
    pub(super) fn begin(&self, centre: &Centre) -> bool {
        let now = platform::now();
        let busy = self.sending.get().is_some_and(|since| since.until(now) < NEVER_SENT_S);
        let due = !busy && self.due_at(centre).is_some_and(|at| at <= now);
        if due {
            self.sending.set(Some(now));
        }
        due
    }

    /// After [`Alerts::begin`]: delivers what is due until something does not arrive. `told` hears of each attempt.
    pub(super) async fn deliver(&self, centre: &Centre, app: Option<&AppName>, told: impl Fn(&Notice, bool)) {
        let Some(webhook) = &centre.config.webhook else { return };
        let next = || self.book.borrow().due(platform::now()).cloned();
        while let Some(notice) = next() {
            self.sending.set(Some(platform::now()));
            let arrived = send(webhook, &webhook.envelope(app, &notice, platform::now())).await;
            let (incident, phase, why) = (notice.incident, notice.phase, arrived.as_ref().err());
            let fields = json!({"app": app, "incident": incident, "phase": phase, "detail": why});
            let changed = if arrived.is_ok() {
                log::info("alert_delivered", fields);
                told(&notice, true);
                self.change(|book| book.delivered(notice.id))
            } else {
                let mut given_up = false;
                let changed = self.change(|book| given_up = book.failed(notice.id, platform::now()));
                if given_up {
                    log::error("alert_given_up", fields);
                    told(&notice, false);
                } else {
                    log::warn("alert_not_delivered", fields);
                }
                changed
            };
            if let Err(error) = changed {
                log::warn("alerts_not_written", json!({"app": app, "detail": error.to_string()}));
                break;
            }
        }
        self.sending.set(None);
    }

    /// Changes the book, and commits it where it is another than before.
    fn change(&self, change: impl FnOnce(&mut Book)) -> worker::Result<()> {
        let mut book = self.book.borrow().clone();
        change(&mut book);
        if book == *self.book.borrow() {
            return Ok(());
        }
        let text = to_json(&book).map_err(unreadable)?;
        // Also where it cannot be committed: what has arrived is not sent again and again.
        *self.book.borrow_mut() = book;
        self.meta.set(BOOK, &text)
    }
}
