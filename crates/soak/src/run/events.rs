//! Readers, reporters, the cron, the alarm, and what disturbs them.

use crate::Millis;
use crate::centre::{Centre, Next, Step};
use crate::check;
use crate::keeper::Question;
use crate::scenario::{Disturbance, Trouble};
use crate::store::Key;
use crate::tally::Tally;
use zhongkong_core::config::StoreKind;
use zhongkong_core::credential::{Credential, Version};
use zhongkong_core::digest::Sha256Digest;
use zhongkong_core::protocol::Ask;
use zhongkong_core::record::{Freshness, Record};
use zhongkong_core::time::UnixTime;

const CRON_EVERY: Millis = 60_000;

impl Centre {
    /// A reader wants something, by the way that the Worker's read path takes.
    pub(super) fn read(&mut self, reader: usize) -> Step {
        let app = usize::from(self.random.happens(0.5));
        let kept = self.keepers[app].credentials();
        let ticket = self.random.happens(0.4);
        let nth = if ticket { 1 + self.random.below(kept.len() as u64 - 1) } else { 0 };
        let key = (app, kept[usize::try_from(nth).unwrap_or(0)]);
        let wishes = !ticket && self.random.happens(0.1);
        let min_ttl_s = if wishes { self.random.below(7200) } else { 0 };
        let pause = self.readers[reader].pause_ms;
        let flood = self.lasts(|what| *what == Trouble::Flood);
        let pause = if flood { 300 } else { 1 + self.random.below(2 * pause) };
        self.in_ms(pause, Next::Read(reader));

        let now_ms = self.readers[reader].clock(self.now);
        let now = UnixTime::from_millis(now_ms);
        let identity = self.keepers[app].ready.identity;
        let trusted = |record: &Record| {
            record.freshness(now, identity) != Freshness::Doubtful && record.expires_in_s(now) >= min_ttl_s
        };
        if let Some(record) =
            self.readers[reader].entry(key).fresh(now_ms).cloned().filter(|record| trusted(record))
        {
            return self.serve(reader, key, &record, now_ms);
        }
        let mut shows = None;
        if !self.lasts(|what| *what == Trouble::StoreUnreadable) {
            let found = self.readers[reader].find(&self.store, key, self.now);
            if !self.keeper_is_unreachable() && self.store.kind != StoreKind::Memory {
                let shown = found.as_ref().map_or(Version::NONE, |record| record.version);
                shows = Some(shown);
            }
            let entry = self.readers[reader].entry(key);
            if let Some(record) = found
                .and_then(|found| entry.reconcile(found, now_ms).cloned())
                .filter(|record| trusted(record))
            {
                return self.serve(reader, key, &record, now_ms);
            }
        }
        let question = Question { reader, credential: key.1, report: None, asked_at: self.now };
        self.ask_for(key, question, Ask::Read { credential: key.1, min_ttl_s, shown: shows })
    }

    /// A reader reports what it holds as dead.
    pub(super) fn report(&mut self, reader: usize, key: Key, value: String) -> Step {
        let digest = Sha256Digest::of(&value);
        let probes = self.tally.calls.get("probe").copied();
        let held = self.keepers[key.0].slot(key.1).held_value().map(|value| value.expose().to_owned());
        let is_held = held.as_ref() == Some(&value);
        let question = Question { reader, credential: key.1, report: Some(value), asked_at: self.now };
        self.ask_for(key, question, Ask::Stale { credential: key.1, digest })?;
        if !is_held && self.tally.calls.get("probe").copied() != probes {
            return Err(self.violated("5: a report of another value cost a call".to_owned()));
        }
        Ok(())
    }

    /// WeChat refuses a reader's business call; what only looks like that is a lie of the reader's.
    pub(super) fn refused(&mut self, reader: usize, key: Key, value: String) -> Step {
        self.truth.worded_at.insert(key, self.now);
        let lives =
            self.world.find_token(&value, self.now).is_some_and(|(_, _, standing)| standing.is_alive());
        let digest = Sha256Digest::of(&value);
        let question = Question { reader, credential: key.1, report: Some(value), asked_at: self.now };
        let ask = Ask::Refused { credential: key.1, digest, by: reader.to_string() };
        let asked = |centre: &Self| centre.tally.calls.values().sum::<u64>();
        let before = asked(self);
        self.ask_for(key, question, ask)?;
        if lives && asked(self) > before {
            let checked = check::word_cost(self, key, reader);
            checked.map_err(|what| self.violated(what))?;
        }
        Ok(())
    }

    fn ask_for(&mut self, key: Key, question: Question, ask: Ask) -> Step {
        if self.keeper_is_unreachable() {
            Tally::count(&mut self.tally.outages, "the Keeper could not be reached");
            return Ok(());
        }
        self.ask(key.0, Some(question), ask)
    }

    /// A reader hands a record on, and wakes the Keeper in passing when it is due.
    fn serve(&mut self, reader: usize, key: Key, record: &Record, now_ms: Millis) -> Step {
        self.hand_out(reader, key, record)?;
        let now = UnixTime::from_millis(now_ms);
        let due = record.freshness(now, record.identity) == Freshness::Due;
        let wakes = due && self.readers[reader].entry(key).may_wake(now_ms);
        if wakes {
            self.readers[reader].entry(key).wakes(now_ms);
        }
        if wakes && !self.keeper_is_unreachable() {
            self.ask(key.0, None, Ask::Wake { shown: Vec::new() })?;
        }
        Ok(())
    }

    pub(super) fn hand_out(&mut self, reader: usize, key: Key, record: &Record) -> Step {
        let checked = check::handed_out(self, key, record);
        checked.map_err(|what| self.violated(what))?;
        if !self.readers[reader].goes_on(key, record.version) {
            return Err(self.violated(format!("9: an older {} followed a newer one", key.1)));
        }
        if let Some(since) = self.dead_since.remove(&key) {
            let what = match key {
                (0, Credential::AccessToken) => "stable token",
                (_, Credential::AccessToken) => "plain token",
                (0, _) => "ticket of a stable token",
                _ => "ticket of a plain token",
            };
            self.tally.back_after.entry(what).or_default().push(self.now - since);
        }
        let value = record.value.expose().to_owned();
        let alive =
            self.world.find_token(&value, self.now).is_some_and(|(_, _, standing)| standing.is_alive());
        let honest = self.readers[reader].is_honest;
        let lies = !honest && !self.scenario.is_quiet();
        let flood = self.lasts(|what| *what == Trouble::Flood);
        if key.1 == Credential::AccessToken
            && ((honest && !alive) || flood || (lies && self.random.happens(0.02)))
        {
            let pause = self.random.below(2000);
            let lie = lies && self.random.happens(0.3);
            let value = if lie { "garbage".to_owned() } else { value };
            // One half finds out by itself, the other half by a call that is passed through; some only say so.
            let passes = self.random.happens(0.5);
            let next =
                if passes { Next::Refused(reader, key, value) } else { Next::Report(reader, key, value) };
            self.in_ms(pause, next);
        }
        Ok(())
    }

    fn keeper_is_unreachable(&self) -> bool {
        self.lasts(|what| *what == Trouble::KeeperUnreachable)
    }

    /// The cron: looks at the store, a little behind as everybody, and wakes who is due or unknown.
    pub(super) fn cron(&mut self) -> Step {
        let late = if self.random.happens(0.1) { self.random.below(40_000) } else { 0 };
        self.in_ms(CRON_EVERY + late, Next::Cron);
        if self.lasts(|what| *what == Trouble::CronMissed) || self.keeper_is_unreachable() {
            return Ok(());
        }
        for checked in [check::all_answered(self), check::store_follows(self)] {
            checked.map_err(|what| self.violated(what))?;
        }
        let runs = if self.lasts(|what| *what == Trouble::CronDoubled) { 3 } else { 1 };
        for _ in 0..runs {
            if self.lasts(|what| *what == Trouble::SchedulerUnreachable) {
                for app in 0..self.keepers.len() {
                    self.cron_by_store(app)?;
                }
            } else {
                for app in self.scheduler.due(self.unix()) {
                    self.ask(app, None, Ask::Wake { shown: Vec::new() })?;
                }
            }
        }
        Ok(())
    }

    fn cron_by_store(&mut self, app: usize) -> Step {
        let unreadable = self.lasts(|what| *what == Trouble::StoreUnreadable);
        let (now, lag) = (self.unix(), self.random.below(30_000));
        let mut due = false;
        let unreadable = unreadable || self.store.kind == StoreKind::Memory;
        let mut shown = Vec::new();
        for credential in self.keepers[app].credentials() {
            match self.store.read((app, credential), self.now, lag).filter(|record| now < record.expires_at) {
                _ if unreadable => due = true,
                Some(record) if now >= record.refresh_at => shown.push((credential, record.version)),
                Some(_) => {}
                None => shown.push((credential, Version::NONE)),
            }
        }
        if due || !shown.is_empty() { self.ask(app, None, Ask::Wake { shown }) } else { Ok(()) }
    }

    /// An alarm rings, unless it was set anew or is lost.
    pub(super) fn alarm(&mut self, app: usize, at: Millis) -> Step {
        if self.keepers[app].alarm_at != Some(at) {
            return Ok(());
        }
        self.keepers[app].alarm_at = None;
        if self.lasts(|what| *what == Trouble::AlarmLost) { Ok(()) } else { self.ring(app) }
    }

    /// A disturbance begins; most only last.
    pub(super) fn disturb(&mut self, index: usize) -> Step {
        let Disturbance { what, from, for_ms } = self.scenario.disturbances[index].clone();
        let again = self.now > from;
        if !again {
            self.begin(index, for_ms);
        }
        let name = match what {
            Trouble::Upstream(..) => return Ok(()),
            Trouble::Outsider => {
                self.note_killed(1);
                let appid = self.appid(1);
                self.world.rotate_from_outside(appid, self.now);
                "outside refresher"
            }
            Trouble::Quarrel(pause) => {
                self.note_killed(1);
                let appid = self.appid(1);
                self.world.rotate_from_outside(appid, self.now);
                if self.scenario.disturbances[index].lasts(self.now + pause) {
                    self.in_ms(pause, Next::Disturb(index));
                }
                "quarrel with another centre"
            }
            Trouble::Revoke => {
                let app = usize::from(self.random.happens(0.5));
                self.ask_to_revoke(app)?;
                "token revoked"
            }
            Trouble::Impatience(pause) => {
                self.demand_all()?;
                if self.scenario.disturbances[index].lasts(self.now + pause) {
                    self.in_ms(pause, Next::Disturb(index));
                }
                "impatience at the console"
            }
            Trouble::SchedulerUnreachable => "scheduler unreachable",
            Trouble::TokenKilled => {
                let app = usize::from(self.random.happens(0.5));
                for value in self.note_killed(app) {
                    self.world.kill_token(&value, self.now);
                }
                "token killed"
            }
            Trouble::TokenUndead => {
                self.note_killed(0);
                let appid = self.appid(0);
                self.world.make_undead(appid);
                "token dead, and given out all the same"
            }
            Trouble::SecretChanged => {
                let app = usize::from(self.random.happens(0.5));
                self.change_secret(app);
                "secret changed"
            }
            Trouble::StoreRefuses => "store refuses writes",
            Trouble::StoreLoses => "store loses writes",
            Trouble::StoreDelays(_) => "store delays and reorders writes",
            Trouble::StoreUnreadable => "store unreadable",
            Trouble::KeeperUnreachable => "Keeper unreachable",
            Trouble::Kills(_) => "Keeper killed at effects",
            Trouble::CronMissed => "cron missed",
            Trouble::CronDoubled => "cron doubled",
            Trouble::AlarmLost => "alarm lost",
            Trouble::AlarmLate(_) => "alarm late",
            Trouble::Flood => "flood of reports",
        };
        if !again {
            Tally::count(&mut self.tally.disturbances, name);
        }
        Ok(())
    }

    /// Somebody wants everything tried now.
    fn demand_all(&mut self) -> Step {
        if self.keeper_is_unreachable() {
            return Ok(());
        }
        for app in 0..self.keepers.len() {
            self.ask(app, None, Ask::Check(None))?;
        }
        Ok(())
    }

    /// Somebody asks for the token to be killed that the Keeper has given out.
    fn ask_to_revoke(&mut self, app: usize) -> Step {
        if self.keeper_is_unreachable() {
            return Ok(());
        }
        let key = (app, Credential::AccessToken);
        let held = self.keepers[app].slot(key.1).held_value().map(|value| value.expose().to_owned());
        // Far away copies of it cannot know.
        self.truth.killed.extend(held.clone());
        self.truth.leaked.extend(held.map(|value| (app, value)));
        self.tally.revokes.0 += 1;
        self.ask(app, None, Ask::Revoke)
    }

    /// Whatever lives now of an app's tokens may die without the centre's doing.
    fn note_killed(&mut self, app: usize) -> Vec<String> {
        self.truth.killed_at.push((app, self.now));
        let account = self.world.accounts.get(self.appid(app));
        let lane = account.map(|account| if app == 0 { &account.stable } else { &account.plain });
        let values: Vec<String> =
            lane.map(|lane| lane.values().map(str::to_owned).collect()).unwrap_or_default();
        self.truth.killed.extend(values.iter().cloned());
        values
    }
}
