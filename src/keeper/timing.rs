//! When the Keeper is woken next: its alarm, and its line in the roster.

use super::client;
use super::desk::Desk;
use super::wire::RosterAsk;
use crate::{log, platform};
use serde_json::json;
use std::rc::Rc;
use std::time::Duration;
use zhongkong_core::time::UnixTime;

/// An alarm while a write to the store is under way is only there for a Keeper that is killed.
const WHILE_PUBLISHING_S: u64 = 15;

impl Desk {
    /// Sets the alarm to the next planned moment, where that is another than before, and notes the
    /// moment in the roster.
    pub(super) async fn set_alarm(self: &Rc<Self>) -> worker::Result<()> {
        let Some(planned) = self.planned() else { return Ok(()) };
        let quiet = self.publishing.borrow().is_empty();
        let wake_at = planned.max(platform::now().plus(if quiet { 1 } else { WHILE_PUBLISHING_S }));
        if quiet && self.flights.is_empty() {
            self.note_in_roster(planned);
        }
        if self.alarm_at.get() == Some(wake_at) {
            return Ok(());
        }
        self.alarm_at.set(Some(wake_at));
        let set = self.set_alarm_in(Duration::from_secs(platform::now().until(wake_at))).await;
        if set.is_err() {
            self.alarm_at.set(None);
        }
        set
    }

    pub(super) async fn set_alarm_in(&self, pause: Duration) -> worker::Result<()> {
        self.state.storage().set_alarm(pause).await
    }

    /// Nobody waits for it: until it has worked, the roster has an earlier moment, or none.
    fn note_in_roster(self: &Rc<Self>, wake_at: UnixTime) {
        let Some(app) = self.app().filter(|_| self.noted_at.get() != Some(wake_at)) else { return };
        self.noted_at.set(Some(wake_at));
        let desk = Rc::clone(self);
        self.state.wait_until(async move {
            let noted = client::ask_roster(&desk.env, &RosterAsk::Note { app: app.clone(), wake_at }).await;
            if let Err(error) = noted {
                desk.noted_at.set(None);
                log::error("roster_unreachable", json!({"app": app, "detail": error.to_string()}));
            }
        });
    }
}
