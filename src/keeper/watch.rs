//! What the desk does for the people who watch over an app: its report, checks on demand, and alerts.

use super::alerts::{Alerts, WHILE_SENDING_S};
use super::desk::Desk;
use crate::bindings::Centre;
use crate::{log, platform};
use serde_json::json;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;
use zhongkong_core::alert::{Incident, findings};
use zhongkong_core::app::AppName;
use zhongkong_core::credential::Credential;
use zhongkong_core::engine::{Event, Rules, Status};
use zhongkong_core::history::{Action, Deed};
use zhongkong_core::language::Language;
use zhongkong_core::protocol::{Asked, Reply, Report};

/// A check answers after this, whatever is still under way, in milliseconds.
const CHECK_TAKES_MS: u64 = 20_000;

impl Desk {
    /// How every credential of the app is.
    fn statuses(&self) -> worker::Result<BTreeMap<Credential, Status>> {
        let (ready, now) = (self.ready()?, platform::now());
        let status = |credential| {
            let rules = Rules::of(&ready.app, credential);
            self.slot(credential).map(|slot| (credential, slot.status(rules, now)))
        };
        let statuses: Vec<_> = ready.app.credentials().map(status).collect::<worker::Result<_>>()?;
        Ok(statuses.into_iter().collect())
    }

    /// How everything is.
    pub(super) fn report(&self) -> worker::Result<Report> {
        let alerts = self.alerts()?;
        let book = alerts.book();
        Ok(Report {
            credentials: self.statuses()?,
            incidents: book.open().clone(),
            alerts_waiting: book.waiting(),
            counts: self.opened()?.history.counts.totals()?,
        })
    }

    /// Asks WeChat now, where that is safe, and waits until it has answered.
    pub(super) async fn check(self: &Rc<Self>, only: Option<Credential>) -> worker::Result<Reply> {
        let ready = self.ready()?;
        let mut asked: BTreeMap<Credential, Asked> = BTreeMap::new();
        let deadline = platform::now_millis() + CHECK_TAKES_MS;
        let wanted = || ready.app.credentials().filter(|one| only.is_none_or(|only| only == *one));
        let versions: Vec<(Credential, _)> = wanted()
            .map(|credential| Ok((credential, self.slot(credential)?.version())))
            .collect::<worker::Result<_>>()?;
        // The token comes first: tickets are asked for with it.
        let (token, tickets): (Vec<_>, Vec<_>) =
            wanted().partition(|credential| *credential == Credential::AccessToken);
        // Twice: an attempt that had no token yet may have been under way.
        for together in [token, tickets.clone(), tickets] {
            for credential in &together {
                if asked.contains_key(credential) && self.slot(*credential)?.failures() == 0 {
                    continue;
                }
                self.give_up_lost_call(*credential)?;
                let call = self.step(*credential, Event::Demand)?.call;
                let asked = asked.entry(*credential).or_insert(Asked { call: None, rotated: false });
                asked.call = asked.call.or(call);
            }
            for credential in together {
                self.land(credential, deadline).await;
            }
        }
        for (credential, asked) in asked.iter_mut() {
            asked.rotated = versions
                .iter()
                .find(|(one, _)| one == credential)
                .is_some_and(|(_, before)| self.slot(*credential).is_ok_and(|slot| slot.version() > *before));
        }
        Ok(Reply::Checked { asked, report: self.report()? })
    }

    /// Waits for what is under way for a credential, but not for ever: it goes on by itself.
    async fn land(&self, credential: Credential, deadline_ms: u64) {
        while let Some(flight) = self.flights.under_way(credential) {
            let left = Duration::from_millis(deadline_ms.saturating_sub(platform::now_millis()));
            if platform::timeout(flight, left).await.is_none() {
                return;
            }
        }
    }

    /// The book of incidents of this object.
    pub(super) fn alerts(&self) -> worker::Result<Rc<Alerts>> {
        if let Some(alerts) = &*self.alerts.borrow() {
            return Ok(Rc::clone(alerts));
        }
        let alerts = Rc::new(Alerts::open(&self.state)?);
        *self.alerts.borrow_mut() = Some(Rc::clone(&alerts));
        Ok(alerts)
    }

    /// After something has changed: notes lives, finds what is wrong, and tells. What fails here stops nothing else.
    pub(super) fn look(self: &Rc<Self>) {
        let looked = self.look_around();
        if let Err(error) = looked {
            log::warn("alerts_not_written", json!({"app": self.app(), "detail": error.to_string()}));
        }
    }

    fn look_around(self: &Rc<Self>) -> worker::Result<()> {
        let (opened, statuses) = (self.opened()?, self.statuses()?);
        for (credential, status) in &statuses {
            opened.history.counts.note_life(*credential, status)?;
        }
        let (webhook, now) = (&opened.centre.config.webhook, platform::now());
        let language = webhook.as_ref().map_or(Language::En, |webhook| webhook.language);
        let alerts = self.alerts()?;
        let failing = alerts.book().is_open(Incident::RefreshFailing);
        let found = findings(&opened.ready.app, &statuses, failing, now, language);
        alerts.look(&found, now, webhook.is_some())?;
        self.deliver(&opened.centre, Some(opened.ready.app.name.clone()))
    }

    /// Delivers what is due, beside everything else.
    pub(super) fn deliver(self: &Rc<Self>, centre: &Rc<Centre>, app: Option<AppName>) -> worker::Result<()> {
        let alerts = self.alerts()?;
        if !alerts.begin(centre) {
            return Ok(());
        }
        let (desk, centre) = (Rc::clone(self), Rc::clone(centre));
        let later = async move {
            // Before anything is sent: an object that is killed meanwhile comes back. A Keeper's plan has it already.
            let keeps = desk.opened().is_ok();
            if !keeps && let Err(error) = desk.set_alarm_in(Duration::from_secs(WHILE_SENDING_S)).await {
                log::warn("alarm_not_set", json!({"detail": error.to_string()}));
            }
            let told = |_: &_, arrived| {
                if let Ok(opened) = desk.opened() {
                    let result = if arrived { "delivered" } else { "not_delivered" };
                    opened.tell(&Deed::of_keeper(Action::Alert, None, result), platform::now());
                }
            };
            alerts.deliver(&centre, app.as_ref(), told).await;
            let set = if keeps { desk.set_alarm().await } else { desk.ring_for_alerts(&centre).await };
            if let Err(error) = set {
                log::warn("alarm_not_set", json!({"detail": error.to_string()}));
            }
        };
        self.state.wait_until(later);
        Ok(())
    }

    /// Sets the alarm of an object that keeps no credentials to its next attempt to deliver.
    async fn ring_for_alerts(&self, centre: &Centre) -> worker::Result<()> {
        let Some(at) = self.alerts()?.due_at(centre) else { return Ok(()) };
        let wait_s = platform::now().until(at).max(1);
        self.set_alarm_in(Duration::from_secs(wait_s)).await
    }

    /// The app is not configured any more, or wrongly: says what waits to be said. An app that is gone has no incidents.
    pub(super) fn deliver_at_rest(self: &Rc<Self>, centre: &Rc<Centre>, app: &AppName) -> worker::Result<()> {
        if !centre.config.apps.contains_key(app) {
            self.alerts()?.look(&[], platform::now(), centre.config.webhook.is_some())?;
        }
        self.deliver(centre, Some(app.clone()))
    }
}
