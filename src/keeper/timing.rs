//! When the Keeper is woken next: its alarm, and its line in the roster.

use super::client;
use super::desk::Desk;
use crate::{log, platform};
use js_sys::Date;
use serde_json::json;
use std::rc::Rc;
use std::time::Duration;
use wasm_bindgen::JsValue;
use worker::ScheduledTime;
use zhongkong_core::credential::{Credential, Version};
use zhongkong_core::engine::Rules;
use zhongkong_core::protocol::{Held, RosterAsk};
use zhongkong_core::time::UnixTime;

/// What is due already, and was not done, is looked at again after this.
const SOON_MS: u64 = 1_000;

/// An alarm that has not rung so long after its time is not believed to come.
const ALARM_LATE_MS: u64 = 5_000;

/// After a note that did not arrive.
const NOTE_AGAIN_MS: u64 = 5_000;

/// An alarm while a write to the store is under way is only there for a Keeper that is killed: a save has two steps, of 5 s at most.
const WHILE_PUBLISHING_MS: u64 = 15_000;

impl Desk {
    /// Sets the alarm to the next planned moment, where that is another than before, and notes the
    /// moment in the roster.
    pub(super) async fn set_alarm(self: &Rc<Self>) -> worker::Result<()> {
        let Some(planned) = self.planned() else { return Ok(()) };
        let now_ms = platform::now_millis();
        let planned_ms = planned.as_secs().saturating_mul(1000);
        let overdue_ms = if self.publishing.borrow().is_empty() { SOON_MS } else { WHILE_PUBLISHING_MS };
        let overdue = planned_ms <= now_ms;
        let ring_ms = if overdue { now_ms + overdue_ms } else { planned_ms };
        self.note_in_roster();
        // Whoever asks while something is overdue must not push its alarm away, again and again.
        let stands = |at: u64| at == ring_ms || (overdue && at <= ring_ms && at + ALARM_LATE_MS > now_ms);
        if self.alarm_at_ms.get().is_some_and(stands) {
            return Ok(());
        }
        self.alarm_at_ms.set(Some(ring_ms));
        let set = self.set_alarm_at(ring_ms).await;
        if set.is_err() {
            self.alarm_at_ms.set(None);
        }
        set
    }

    pub(super) async fn set_alarm_in(&self, pause: Duration) -> worker::Result<()> {
        let pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        self.set_alarm_at(platform::now_millis().saturating_add(pause_ms)).await
    }

    async fn set_alarm_at(&self, at_ms: u64) -> worker::Result<()> {
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        let at = Date::new(&JsValue::from_f64(at_ms as f64));
        self.state.storage().set_alarm(ScheduledTime::new(at)).await
    }

    /// What the roster should have: when WeChat is to be called next, once nothing is under way.
    /// And which token is held, so that it knows whose it is.
    fn to_note(&self) -> Option<(UnixTime, Version)> {
        let quiet = self.publishing.borrow().is_empty() && self.flights.is_empty();
        let rested = platform::now_millis() >= self.note_after_ms.get();
        let version = self.slot(Credential::AccessToken).ok()?.version();
        let news = (self.next_call()?, version);
        let before = self.noted.get();
        // Whoever is handed a new token may show it at once.
        let is_new = before.is_none_or(|(_, noted)| noted != version);
        ((quiet || is_new) && rested && before != Some(news)).then_some(news)
    }

    fn held_token(&self, now: UnixTime) -> Option<Held> {
        let (slot, ready) = (self.slot(Credential::AccessToken).ok()?, self.ready().ok()?);
        let record = slot.record(Rules::of(&ready.app, Credential::AccessToken))?;
        let (digest, identity) = (record.value.digest(), ready.identity.fingerprint());
        Some(Held { digest, identity, until: record.expires_at, alone: slot.has_revoked(now) })
    }

    /// Notes in the roster what is news there, one note after the other. Nobody waits for it: the
    /// roster is the cron's, and the cron is one of three.
    fn note_in_roster(self: &Rc<Self>) {
        let (Some(app), Some(_)) = (self.app(), self.to_note()) else { return };
        if self.noting.replace(true) {
            return;
        }
        let desk = Rc::clone(self);
        let later = async move {
            while let Some(news) = desk.to_note() {
                let (wake_at, now) = (news.0, platform::now());
                let note = RosterAsk::Note { app: app.clone(), wake_at, token: desk.held_token(now), now };
                if let Err(error) = client::ask_roster(&desk.env, &note).await {
                    desk.note_after_ms.set(platform::now_millis() + NOTE_AGAIN_MS);
                    log::warn("roster_unreachable", json!({"app": app, "detail": error.to_string()}));
                    break;
                }
                desk.noted.set(Some(news));
            }
            desk.noting.set(false);
        };
        self.state.wait_until(later);
    }
}
