//! The machine: slots, what is under way, and one input after the other.

use super::alarm::Alarm;
use super::calls::Flight;
use super::effect::{Announcement, Arrival, Effect, Effects};
use super::incidents::Incidents;
use super::notes::{self, News, Note, Notes};
use super::publishing::Outcome;
use super::questions::Waiting;
use super::words::Words;
use super::{Input, Instant, QuestionId, Setup};
use crate::alert::{Book, Incident, findings};
use crate::credential::{Credential, Version};
use crate::engine::{self, Event, Moment, RotationPolicy, Slot, Status, Stored, decide};
use crate::history::{Action, Deed, upkeep};
use crate::language::Language;
use crate::protocol::{Held, Report};
use crate::time::UnixTime;
use std::collections::BTreeMap;

/// The Keeper of one app.
pub struct Machine {
    pub(super) setup: Setup,
    slots: BTreeMap<Credential, Slot>,
    /// For each credential: when it wants to be looked at, and when the provider is to be called for it.
    wake_at: BTreeMap<Credential, (UnixTime, UnixTime)>,
    pub(super) calls: BTreeMap<Credential, Flight>,
    /// The host that has just answered a knock.
    pub(super) knocked_at: Option<usize>,
    /// Writes to the store that are under way.
    pub(super) publishing: BTreeMap<Credential, Option<Stored>>,
    pub(super) waiting: BTreeMap<QuestionId, Waiting>,
    pub(super) words: Words,
    alarm: Alarm,
    notes: Notes,
    incidents: Incidents,
    /// Of the input that is being handled.
    pub(super) at: Instant,
    pub(super) effects: Effects,
}

impl Machine {
    /// The Keeper as it was committed. Calls that were under way are lost; what follows from that is to be carried out
    /// before anything else.
    pub fn load(
        setup: Setup,
        slots: BTreeMap<Credential, Slot>,
        book: Book,
        at: Instant,
    ) -> (Self, Vec<Effect>) {
        let incidents = Incidents::new(book, setup.alerts.is_some());
        let mut machine = Self {
            setup,
            slots,
            wake_at: BTreeMap::new(),
            calls: BTreeMap::new(),
            knocked_at: None,
            publishing: BTreeMap::new(),
            waiting: BTreeMap::new(),
            words: Words::default(),
            alarm: Alarm::default(),
            notes: Notes::default(),
            incidents,
            at,
            effects: Effects::default(),
        };
        let identity = machine.setup.identity;
        for credential in machine.credentials() {
            machine.step(credential, Event::Configured(identity));
            machine.give_up_lost_call(credential);
        }
        let effects = machine.settle(false);
        (machine, effects)
    }

    /// What an input comes to, to be carried out in this order.
    pub fn handle(&mut self, input: Input, at: Instant) -> Vec<Effect> {
        self.at = at;
        let rings = matches!(input, Input::Alarm(_));
        match input {
            Input::Question(id, ask) => self.ask(id, ask),
            Input::Alarm(id) => {
                self.alarm.is_gone();
                self.wake(id, &[]);
            }
            Input::AlarmNotSet => self.alarm.is_gone(),
            Input::Timer => {}
            Input::Answered { credential, call, answer } => self.answered(credential, call, &answer),
            Input::Published(credential) => self.published(credential, Outcome::Taken),
            Input::PublishFailed(credential) => self.published(credential, Outcome::Failed),
            Input::StoreAhead(credential, version) => self.published(credential, Outcome::Ahead(version)),
            Input::Noted { arrived } => self.notes.end(arrived, at.now_ms),
            Input::Delivered { id, arrived } => self.delivered(id, arrived),
        }
        self.settle(rings)
    }

    /// When [`Input::Timer`] is due, in Unix milliseconds; `None` while no question waits for a moment.
    pub fn timer_ms(&self) -> Option<u64> {
        self.waiting.values().filter_map(Waiting::look_at_ms).min()
    }

    /// A slot as it stands.
    pub fn slot(&self, credential: Credential) -> Slot {
        self.slots.get(&credential).cloned().unwrap_or_default()
    }

    /// The credentials that are kept, the token first.
    pub(super) fn credentials(&self) -> Vec<Credential> {
        self.setup.credentials.clone()
    }

    pub(super) fn policy(&self, credential: Credential) -> RotationPolicy {
        self.setup.provider.policy(credential)
    }

    pub(super) const fn now(&self) -> UnixTime {
        UnixTime::from_millis(self.at.now_ms)
    }

    /// One decision about a credential, with what follows from it.
    pub(super) fn step(&mut self, credential: Credential, event: Event) -> engine::Effects {
        let before = self.slot(credential);
        let moment = Moment { now: self.now(), dice: self.at.dice };
        let (slot, effects) = decide(self.policy(credential), &before, moment, event.clone());
        if effects.persist {
            self.effects.commits.insert(credential, slot.clone());
        }
        if slot.version() > before.version() {
            self.effects.log.push(Announcement::Rotated(credential, slot.version()));
        }
        self.effects.deeds.extend(upkeep(credential, &event, &before, &slot, &effects));
        let alerts = effects.alerts.iter().cloned();
        self.effects.log.extend(alerts.map(|alert| Announcement::Alert(credential, alert)));
        if let (Some(wake_at), Some(call_at)) = (effects.wake_at, effects.call_at) {
            self.wake_at.insert(credential, (wake_at, call_at));
        }
        if let (Some(kind), Some(id)) = (effects.call, slot.call_id()) {
            self.calls.insert(credential, Flight::new(id, kind));
        }
        let is_back = !before.lives(moment.now) && slot.lives(moment.now);
        self.slots.insert(credential, slot);
        if effects.publish {
            self.publish(credential);
        }
        if is_back {
            self.tell_children(credential);
        }
        effects
    }

    /// What waits for a live value of this credential is fetched at once.
    fn tell_children(&mut self, parent: Credential) {
        for child in self.credentials() {
            if self.setup.provider.parent(child) == Some(parent) {
                self.step(child, Event::ParentIsBack);
            }
        }
    }

    /// A call under way that this instance has not started has lost its outcome.
    pub(super) fn give_up_lost_call(&mut self, credential: Credential) {
        if self.slot(credential).has_call_under_way() && !self.calls.contains_key(&credential) {
            self.step(credential, Event::Lost);
        }
    }

    /// Seals every slot with the current key, and has it published anew; how many.
    pub(super) fn reseal(&mut self) -> usize {
        // Also what is not kept any more.
        let loaded: Vec<Credential> = self.slots.keys().copied().collect();
        let kept = self.credentials();
        for credential in &loaded {
            if kept.contains(credential) {
                self.step(*credential, Event::Reseal);
            }
            self.effects.commits.insert(*credential, self.slot(*credential));
        }
        loaded.len()
    }

    /// Does what can be done now, until nothing is left; then plans what comes next. Incidents are looked at after each
    /// change, and when the alarm `rings`: some begin with time alone.
    fn settle(&mut self, rings: bool) -> Vec<Effect> {
        loop {
            if let Some(credential) = self.ready_to_send() {
                self.send(credential);
            } else if let Some(question) = self.ready_to_look() {
                self.look_again(question);
            } else {
                break;
            }
        }
        self.knocked_at = None;
        if rings || !self.effects.commits.is_empty() {
            self.look();
        }
        self.effects.book = self.incidents.uncommitted();
        self.effects.deliver = self.incidents.begin(self.now());
        self.plan();
        std::mem::take(&mut self.effects).in_order()
    }

    /// How every credential of the app is.
    fn statuses(&self) -> BTreeMap<Credential, Status> {
        let now = self.now();
        let status = |of: Credential| (of, self.slot(of).status(&self.policy(of), now));
        self.credentials().into_iter().map(status).collect()
    }

    /// How everything is. What has been counted is not known here.
    pub(super) fn report(&self) -> Report {
        Report {
            credentials: self.statuses(),
            incidents: self.incidents.book().open().clone(),
            alerts_waiting: self.incidents.book().waiting(),
            counts: Vec::new(),
        }
    }

    /// Finds what is wrong now.
    fn look(&mut self) {
        let (statuses, now) = (self.statuses(), self.now());
        let language = self.setup.alerts.unwrap_or(Language::En);
        let failing = self.incidents.is_open(Incident::RefreshFailing);
        let found = findings(&*self.setup.provider, &statuses, failing, now, language);
        self.incidents.look(&found, now);
        self.effects.lives = statuses.into_iter().collect();
    }

    fn delivered(&mut self, id: u64, arrived: bool) {
        let Some((notice, arrival)) = self.incidents.sent(id, arrived, self.now()) else { return };
        match arrival {
            Arrival::Arrived => self.effects.deeds.push(Deed::of_keeper(Action::Alert, None, "delivered")),
            Arrival::GivenUp => {
                self.effects.deeds.push(Deed::of_keeper(Action::Alert, None, "not_delivered"));
            }
            Arrival::Again => {}
        }
        self.effects.log.push(Announcement::Notice(notice, arrival));
    }

    /// Plans the alarm, and the note for the scheduler.
    fn plan(&mut self) {
        let kept = self.credentials();
        let planned = kept.iter().filter_map(|credential| self.wake_at.get(credential));
        let now = self.now();
        let noted = |(wake_at, call_at): &(UnixTime, UnixTime)| notes::wake_at(*wake_at, *call_at, now);
        let next_noted = planned.clone().map(noted).min();
        let planned = planned.map(|(wake_at, _)| *wake_at).chain(self.incidents.due_at()).min();
        let publishing = !self.publishing.is_empty();
        self.effects.alarm_ms =
            planned.and_then(|planned| self.alarm.plan(planned, publishing, self.at.now_ms));
        let Some(wake_at) = next_noted else { return };
        let news: News = (wake_at, self.version(Credential::AccessToken));
        let quiet = !publishing && self.calls.is_empty();
        if self.notes.begin(news, quiet, self.at.now_ms) {
            self.effects.note = Some(Note { wake_at, token: self.held_token(now), now });
        }
    }

    /// The scheduler is told anew: what it was told may have been written over.
    pub(super) const fn forget_note(&mut self) {
        self.notes.forget();
    }

    fn held_token(&self, now: UnixTime) -> Option<Held> {
        let (slot, policy) = (self.slot(Credential::AccessToken), self.policy(Credential::AccessToken));
        let record = slot.record(&policy)?;
        let (digest, identity) = (record.value.digest(), self.setup.identity.fingerprint());
        // After a revocation those before it were to be killed.
        let others_until = if slot.has_revoked(now) { now } else { now.plus(policy.overlap_s()) };
        Some(Held { digest, identity, until: record.expires_at, others_until })
    }

    /// The newest version of a credential.
    pub(super) fn version(&self, credential: Credential) -> Version {
        self.slots.get(&credential).map_or(Version::NONE, Slot::version)
    }
}
