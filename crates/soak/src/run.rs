//! One run: what happens is taken from the queue, one after the other, until the days are over or a
//! promise is broken.

mod events;
mod upstream;

use crate::centre::{Centre, Next, Step};
use crate::check::{self, Violation};
use crate::scenario::{Scenario, Trouble};
use crate::store::Key;
use crate::tally::Tally;
use events::Wish;
use zhongkong_core::credential::{Credential, Version};
use zhongkong_core::engine::{Alert, Answer, Event, Moment, Stored, decide};
use zhongkong_core::time::UnixTime;

/// Runs a scenario to its end.
///
/// # Errors
/// The first broken promise.
pub fn run(scenario: Scenario) -> Result<Tally, Violation> {
    let mut centre = Centre::new(scenario);
    while let Some(next) = centre.pop() {
        centre.happen(next)?;
    }
    let cost = check::cost(&centre);
    cost.map_err(|what| centre.violated(what))?;
    let tally = &mut centre.tally;
    tally.runs = 1;
    tally.app_days = centre.scenario.days * centre.keepers.len() as u64;
    if centre.scenario.is_quiet() {
        tally.quiet_app_days = tally.app_days;
        tally.quiet_calls = tally.all_calls();
        tally.quiet_writes = tally.writes;
    }
    Ok(centre.tally)
}

/// Makes a failing scenario smaller, as long as it breaks a promise of the same number.
pub fn shrink(scenario: Scenario, violation: &Violation, tries: usize) -> (Scenario, Violation) {
    let kind = |violation: &Violation| violation.what.split(':').next().unwrap_or_default().to_owned();
    let (mut scenario, mut violation, mut left) = (scenario, violation.clone(), tries);
    'again: loop {
        for smaller in scenario.smaller() {
            if left == 0 {
                break 'again;
            }
            left -= 1;
            if let Err(found) = run(smaller.clone())
                && kind(&found) == kind(&violation)
            {
                (scenario, violation) = (smaller, found);
                continue 'again;
            }
        }
        break;
    }
    (scenario, violation)
}

impl Centre {
    fn happen(&mut self, next: Next) -> Step {
        match next {
            Next::Read(reader) => self.read(reader),
            Next::ReadAgain(reader, key, deadline, min_ttl_s) => {
                self.ask(reader, key, deadline, Wish::Life(min_ttl_s))
            }
            Next::Report(reader, key, value, deadline) => self.ask(reader, key, deadline, Wish::Check(value)),
            Next::Noted(app, instance, wake_at) => {
                self.noted(app, instance, wake_at);
                Ok(())
            }
            Next::Send(app, instance, credential, call, host) => {
                self.send(app, instance, credential, call, host)
            }
            Next::Outcome(app, instance, credential, event) => self.outcome(app, instance, credential, event),
            Next::Written(app, instance, credential, stored, ok) => {
                self.written(app, instance, credential, stored, ok)
            }
            Next::Alarm(app, at) => self.alarm(app, at),
            Next::Cron => self.cron(),
            Next::Disturb(index) => self.disturb(index),
        }
    }

    /// One decision of the engine, committed, with its effects under way, as the Keeper does it.
    pub(crate) fn step(&mut self, key: Key, event: Event) -> Result<Option<Answer>, Violation> {
        let (app, credential) = key;
        if !self.keepers[app].is_open {
            self.open(app)?;
            if !self.keepers[app].is_open {
                // Killed before it could look at the event.
                return Ok(None);
            }
        }
        let dice = u32::try_from(self.chance(1 << 32)).unwrap_or(0);
        let keeper = &self.keepers[app];
        let before = keeper.slot(credential);
        let (slot, effects) =
            decide(keeper.rules(credential), &before, Moment { now: self.unix(), dice }, event);
        if slot.version() < before.version() {
            return Err(self.violated("9: a version went back".to_owned()));
        }
        if slot.version() > before.version() && slot.status(keeper.rules(credential), self.unix()).age_known {
            self.truth.age_known.insert((key, slot.version()));
        }
        self.tally.rotations += slot.version().number() - before.version().number();
        let now = self.now;
        self.keepers[app].slots.insert(credential, slot);
        if effects.alerts.contains(&Alert::Revoked) {
            let checked = check::revoked(self, app);
            checked.map_err(|what| self.violated(what))?;
        }
        if self.dies_here() {
            self.keepers[app].kill();
            return Ok(None);
        }
        if let Some(call) = effects.call {
            if !self.keepers[app].flights.insert(credential) {
                return Err(self.violated(format!("2: two calls for one {credential} at once")));
            }
            let checked = check::called(self, key, call);
            checked.map_err(|what| self.violated(what))?;
            self.in_ms(0, Next::Send(app, self.keepers[app].instance, credential, call, 0));
        }
        if effects.publish && self.keepers[app].publishing.insert(credential) {
            self.publish(app, credential);
        }
        if let (Some(wake_at), Some(call_at)) = (effects.wake_at, effects.call_at) {
            self.keepers[app].plan(credential, wake_at, call_at, now);
            self.arm(app);
            self.tell_roster(app);
        }
        Ok(effects.answer)
    }

    /// Keepers tell the roster when they want to be woken; nobody waits for it.
    fn tell_roster(&mut self, app: usize) {
        if let Some(wake_at) = self.keepers[app].news_for_roster() {
            self.in_ms(100, Next::Noted(app, self.keepers[app].instance, wake_at));
        }
    }

    fn noted(&mut self, app: usize, instance: u64, wake_at: UnixTime) {
        if !self.lasts(|what| *what == Trouble::RosterUnreachable) {
            self.roster.note(app, wake_at);
        } else if self.keepers[app].instance == instance {
            self.keepers[app].noted = None;
        }
    }

    fn dies_here(&mut self) -> bool {
        let kills =
            self.lasting().find_map(|what| if let Trouble::Kills(p) = what { Some(*p) } else { None });
        kills.is_some_and(|probability| self.random.happens(probability))
    }

    /// Loads the slots: what was under way is lost.
    fn open(&mut self, app: usize) -> Step {
        self.keepers[app].is_open = true;
        let (identity, instance) = (self.keepers[app].ready.identity, self.keepers[app].instance);
        for credential in self.keepers[app].credentials() {
            self.step((app, credential), Event::Configured(identity))?;
            if self.keepers[app].instance == instance {
                self.give_up_lost_call((app, credential))?;
            }
            if self.keepers[app].instance != instance {
                break;
            }
        }
        Ok(())
    }

    pub(crate) fn give_up_lost_call(&mut self, key: Key) -> Step {
        let keeper = &self.keepers[key.0];
        if keeper.slot(key.1).has_call_under_way() && !keeper.flights.contains(&key.1) {
            self.step(key, Event::Lost)?;
        }
        Ok(())
    }

    /// Does what is due, for every credential.
    pub(crate) fn wake(&mut self, app: usize, shown: &[(Credential, Version)]) -> Step {
        self.keepers[app].noted = None;
        for credential in self.keepers[app].credentials() {
            let key = (app, credential);
            for (_, version) in shown.iter().filter(|(shown, _)| *shown == credential) {
                self.step(key, Event::StoreShows(*version))?;
            }
            self.give_up_lost_call(key)?;
            self.step(key, Event::Tick)?;
        }
        Ok(())
    }

    /// The alarm as it is set now; an earlier setting is void.
    fn arm(&mut self, app: usize) {
        if let Some(at) = self.keepers[app].alarm_at {
            let late = self
                .lasting()
                .find_map(|what| if let Trouble::AlarmLate(ms) = what { Some(*ms) } else { None });
            let pause = at.saturating_sub(self.now) + late.unwrap_or(0) + self.chance(50);
            self.in_ms(pause, Next::Alarm(app, at));
        }
    }

    fn publish(&mut self, app: usize, credential: Credential) {
        let keeper = &self.keepers[app];
        let record = keeper.slot(credential).record(keeper.rules(credential));
        let at = self.unix();
        let stored = record.as_ref().map(|r| Stored { version: r.version, expires_at: r.expires_at, at });
        let instance = keeper.instance;
        let refused = self.lasts(|what| *what == Trouble::StoreRefuses);
        let lost = self.lasts(|what| *what == Trouble::StoreLoses);
        let delay = self
            .lasting()
            .find_map(|what| if let Trouble::StoreDelays(ms) = what { Some(*ms) } else { None });
        let takes = 20 + self.chance(300);
        if !refused && !lost {
            let late = delay.map_or(0, |most| self.chance(most));
            self.store.write((app, credential), record, self.now + takes + late);
        }
        self.tally.writes += u64::from(!refused);
        self.in_ms(takes, Next::Written(app, instance, credential, stored, !refused));
    }

    fn written(
        &mut self,
        app: usize,
        instance: u64,
        credential: Credential,
        stored: Option<Stored>,
        ok: bool,
    ) -> Step {
        if self.keepers[app].instance != instance {
            return Ok(());
        }
        self.step((app, credential), if ok { Event::Published(stored) } else { Event::PublishFailed })?;
        let keeper = &mut self.keepers[app];
        if keeper.instance != instance {
            return Ok(());
        }
        keeper.publishing.remove(&credential);
        if ok && !keeper.slot(credential).is_stored() {
            keeper.publishing.insert(credential);
            self.publish(app, credential);
        } else {
            self.tell_roster(app);
        }
        Ok(())
    }
}
