//! A model of the Keeper: what is committed, what is under way, and what a kill takes away.
//!
//! A commit is synchronous, so memory and disk never differ; a kill loses the flights and whatever
//! effects had not been carried out.

use crate::Millis;
use std::collections::{BTreeMap, BTreeSet};
use zhongkong_core::config::ReadyApp;
use zhongkong_core::credential::Credential;
use zhongkong_core::engine::{Rules, Slot};
use zhongkong_core::time::UnixTime;

/// One Keeper.
pub struct Keeper {
    /// Its app, as configured at this moment.
    pub ready: ReadyApp,
    /// What is committed.
    pub slots: BTreeMap<Credential, Slot>,
    /// Calls that this instance waits for.
    pub flights: BTreeSet<Credential>,
    /// Writes to the store that this instance waits for.
    pub publishing: BTreeSet<Credential>,
    /// Counts the instances: what an earlier one has started does not reach this one.
    pub instance: u64,
    /// Whether this instance has loaded its slots.
    pub is_open: bool,
    /// When the alarm is set for; it survives kills.
    pub alarm_at: Option<Millis>,
    /// The host that has answered the last knock.
    pub answering_host: Option<usize>,
    /// What this instance has last told the roster.
    pub noted: Option<UnixTime>,
    wake_at: BTreeMap<Credential, (UnixTime, UnixTime)>,
}

impl Keeper {
    /// The Keeper of an app that was never asked.
    pub const fn new(ready: ReadyApp) -> Self {
        Self {
            ready,
            slots: BTreeMap::new(),
            flights: BTreeSet::new(),
            publishing: BTreeSet::new(),
            instance: 0,
            is_open: false,
            alarm_at: None,
            answering_host: None,
            noted: None,
            wake_at: BTreeMap::new(),
        }
    }

    /// The rules for one of its credentials.
    pub const fn rules(&self, credential: Credential) -> Rules {
        Rules::of(&self.ready.app, credential)
    }

    /// A committed slot.
    pub fn slot(&self, credential: Credential) -> Slot {
        self.slots.get(&credential).cloned().unwrap_or_default()
    }

    /// Everything that it keeps.
    pub fn credentials(&self) -> Vec<Credential> {
        self.ready.app.credentials().collect()
    }

    /// The instance dies.
    pub fn kill(&mut self) {
        self.instance += 1;
        self.is_open = false;
        self.flights.clear();
        self.publishing.clear();
        self.wake_at.clear();
        self.noted = None;
        self.answering_host = None;
    }

    /// Notes when a credential wants to be looked at, and sets the alarm to the first of them.
    pub fn plan(&mut self, credential: Credential, wake_at: UnixTime, call_at: UnixTime, now: Millis) {
        self.wake_at.insert(credential, (wake_at, call_at));
        let first = self.wake_at.values().map(|(wake_at, _)| *wake_at).min().unwrap_or(wake_at);
        let first = first.as_secs() * 1000;
        let stands = |at: Millis| first <= now && now < at && at <= now + 1000;
        if !self.alarm_at.is_some_and(stands) {
            self.alarm_at = Some(if first > now { first } else { now + 1000 });
        }
    }

    /// What is to be told to the roster, if that is news and nothing is under way.
    pub fn news_for_roster(&mut self) -> Option<UnixTime> {
        let planned = self.wake_at.values().map(|(_, call_at)| *call_at).min();
        let quiet = self.flights.is_empty() && self.publishing.is_empty();
        let news = planned.filter(|at| quiet && self.noted != Some(*at))?;
        self.noted = Some(news);
        Some(news)
    }
}
