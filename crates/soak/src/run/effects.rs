//! Feeding a Keeper, and carrying out what it decides, in its order; it may be killed before each effect.

use crate::centre::{Centre, Next, Step};
use crate::check;
use crate::keeper::Question;
use crate::scenario::Trouble;
use crate::tally::Tally;
use zhongkong_core::credential::Credential;
use zhongkong_core::engine::Alert;
use zhongkong_core::keeper::{Announcement, Asked, Effect, Input, Instant, Machine, Note, Setup};
use zhongkong_core::language::Language;
use zhongkong_core::protocol::{Ask, Reply};
use zhongkong_core::record::Published;
use zhongkong_core::time::UnixTime;

impl Centre {
    fn instant(&mut self) -> Instant {
        Instant { now_ms: self.now, dice: u32::try_from(self.chance(1 << 32)).unwrap_or(0) }
    }

    /// Asks a Keeper, for a reader where there is one.
    pub(super) fn ask(&mut self, app: usize, question: Option<Question>, ask: Ask) -> Step {
        let id = self.keepers[app].next_question();
        if let Some(question) = question {
            self.keepers[app].questions.insert(id, question);
        }
        self.feed(app, Input::Question(id, ask))
    }

    /// The alarm rings.
    pub(super) fn ring(&mut self, app: usize) -> Step {
        let id = self.keepers[app].next_question();
        self.feed(app, Input::Alarm(id))
    }

    /// Feeds what an instance has started, if it still lives.
    pub(super) fn feed_instance(&mut self, app: usize, instance: u64, input: Input) -> Step {
        if self.keepers[app].instance == instance { self.feed(app, input) } else { Ok(()) }
    }

    fn feed(&mut self, app: usize, input: Input) -> Step {
        let instance = self.keepers[app].instance;
        if self.keepers[app].machine.is_none() {
            self.load(app)?;
        }
        let at = self.instant();
        // Killed while it came up, it has not looked at the input.
        if self.keepers[app].instance != instance {
            return Ok(());
        }
        if let Input::Answered { credential, call, .. } = &input {
            self.keepers[app].calls.retain(|of, one| (of, &*one) != (credential, call));
        }
        let Some(machine) = &mut self.keepers[app].machine else { return Ok(()) };
        let effects = machine.handle(input, at);
        self.carry_out(app, effects)
    }

    /// An instance comes up with what is committed.
    fn load(&mut self, app: usize) -> Step {
        let at = self.instant();
        let keeper = &self.keepers[app];
        let setup = Setup::new(&keeper.ready, Some(Language::En));
        let (machine, effects) = Machine::load(setup, keeper.slots.clone(), keeper.book.clone(), at);
        self.keepers[app].machine = Some(machine);
        self.carry_out(app, effects)
    }

    fn carry_out(&mut self, app: usize, effects: Vec<Effect>) -> Step {
        for effect in effects {
            if self.dies_here() {
                self.kill(app);
                return Ok(());
            }
            self.carry_out_one(app, effect)?;
        }
        if let Some(at) = self.keepers[app].machine.as_ref().and_then(Machine::timer_ms)
            && self.keepers[app].timer_at.is_none_or(|promised| at < promised)
        {
            self.keepers[app].timer_at = Some(at);
            let instance = self.keepers[app].instance;
            self.in_ms(at.saturating_sub(self.now).max(1), Next::Timer(app, instance, at));
        }
        Ok(())
    }

    fn carry_out_one(&mut self, app: usize, effect: Effect) -> Step {
        match effect {
            Effect::Commit(credential, slot) => {
                let before = self.keepers[app].slots.insert(credential, *slot);
                let checked = check::committed(self, (app, credential), &before.unwrap_or_default());
                checked.map_err(|what| self.violated(what))
            }
            Effect::CommitBook(book) => {
                self.keepers[app].book = book;
                Ok(())
            }
            Effect::SetAlarm(at_ms) => {
                self.set_alarm(app, at_ms);
                Ok(())
            }
            Effect::Send(asked) => self.send_checked(app, &asked),
            Effect::Publish(credential, published) => self.publish(app, credential, published),
            Effect::Reply(id, reply) => {
                let Some(question) = self.keepers[app].questions.remove(&id) else { return Ok(()) };
                match reply {
                    Ok(reply) => self.answered(app, question, reply),
                    Err(what) => Err(self.violated(format!("a question was refused: {what}"))),
                }
            }
            Effect::Note(Note { wake_at, .. }) => {
                let instance = self.keepers[app].instance;
                self.in_ms(100, Next::Noted(app, instance, wake_at));
                Ok(())
            }
            Effect::Deliver(notice) => self.deliver(app, &notice),
            Effect::Log(Announcement::Alert(_, Alert::Revoked)) => {
                let checked = check::revoked(self, app);
                checked.map_err(|what| self.violated(what))
            }
            Effect::Log(_) | Effect::Tell(_) | Effect::Life(..) => Ok(()),
        }
    }

    /// One request of a call. What a call has to keep to is looked at when it first leaves.
    fn send_checked(&mut self, app: usize, asked: &Asked) -> Step {
        let key = (app, asked.credential);
        match self.keepers[app].calls.insert(asked.credential, asked.call) {
            Some(other) if other != asked.call => {
                return Err(self.violated(format!("2: two calls for one {} at once", asked.credential)));
            }
            Some(_) => return Err(self.violated("2: a call was sent twice at once".to_owned())),
            None => {}
        }
        let checked = check::sent(self, app, asked);
        checked.map_err(|what| self.violated(what))?;
        if self.truth.is_new_call(key, asked.call) {
            let checked = check::called(self, key, asked.kind);
            checked.map_err(|what| self.violated(what))?;
        }
        let in_outage = self.scenario.is_outage && self.lasting().next().is_some();
        self.tally.calls_in_outages += u64::from(in_outage);
        self.send(app, asked);
        Ok(())
    }

    fn deliver(&mut self, app: usize, notice: &zhongkong_core::alert::Notice) -> Step {
        let checked = check::notified(self, app, notice);
        checked.map_err(|what| self.violated(what))?;
        let arrived = self.chance(4) > 0;
        let takes = 50 + self.chance(2_000);
        if arrived {
            let instance = self.keepers[app].instance;
            self.truth.told.insert((app, notice.id), instance);
        }
        let instance = self.keepers[app].instance;
        self.in_ms(takes, Next::Delivered(app, instance, notice.id, arrived));
        Ok(())
    }

    /// An instance is killed. Its readers get a 503, and ask again in their own time.
    pub(crate) fn kill(&mut self, app: usize) {
        for _ in self.keepers[app].kill() {
            Tally::count(&mut self.tally.outages, "the Keeper was killed before it could answer");
        }
    }

    fn dies_here(&mut self) -> bool {
        let kills =
            self.lasting().find_map(|what| if let Trouble::Kills(p) = what { Some(*p) } else { None });
        kills.is_some_and(|probability| self.random.happens(probability))
    }

    /// What an instance was promised: a question that waits is looked at again.
    pub(super) fn timer(&mut self, app: usize, instance: u64, at: u64) -> Step {
        if self.keepers[app].instance != instance || self.keepers[app].timer_at != Some(at) {
            return Ok(());
        }
        self.keepers[app].timer_at = None;
        self.feed(app, Input::Timer)
    }

    /// The alarm as it is set now; an earlier setting is void.
    fn set_alarm(&mut self, app: usize, at: u64) {
        self.keepers[app].alarm_at = Some(at);
        let late =
            self.lasting().find_map(|what| if let Trouble::AlarmLate(ms) = what { Some(*ms) } else { None });
        let pause = at.saturating_sub(self.now) + late.unwrap_or(0) + self.chance(50);
        self.in_ms(pause, Next::Alarm(app, at));
    }

    /// A note arrives at the scheduler, or does not.
    pub(super) fn noted(&mut self, app: usize, instance: u64, wake_at: UnixTime) -> Step {
        let arrived = !self.lasts(|what| *what == Trouble::SchedulerUnreachable);
        if arrived {
            self.scheduler.note(app, wake_at);
        }
        self.feed_instance(app, instance, Input::Noted { arrived })
    }

    fn publish(&mut self, app: usize, credential: Credential, published: Published) -> Step {
        let checked = check::published(self, (app, credential), &published);
        checked.map_err(|what| self.violated(what))?;
        if !self.keepers[app].writes.insert(credential) {
            return Err(self.violated(format!("9: two writes of one {credential} at once")));
        }
        let refused = self.lasts(|what| *what == Trouble::StoreRefuses);
        let lost = self.lasts(|what| *what == Trouble::StoreLoses);
        let delay = self
            .lasting()
            .find_map(|what| if let Trouble::StoreDelays(ms) = what { Some(*ms) } else { None });
        let takes = 20 + self.chance(300);
        if !refused && !lost {
            let late = delay.map_or(0, |most| self.chance(most));
            let record = match published {
                Published::Record(record) => Some(record),
                Published::Withdrawn { .. } => None,
            };
            self.store.write((app, credential), record, self.now + takes + late);
        }
        self.tally.writes += u64::from(!refused);
        let instance = self.keepers[app].instance;
        self.in_ms(takes, Next::Written(app, instance, credential, !refused));
        Ok(())
    }

    /// A reader gets the answer to its question.
    fn answered(&mut self, app: usize, question: Question, reply: Reply) -> Step {
        let Question { reader, credential, report, .. } = question;
        let key = (app, credential);
        let now_ms = self.readers[reader].clock(self.now);
        match reply {
            Reply::Served { record, .. } => {
                let checked = check::replied(self, key, &record);
                checked.map_err(|what| self.violated(what))?;
                self.readers[reader].entry(key).put(std::rc::Rc::new(record.clone()), now_ms);
                if report.is_none() {
                    return self.hand_out(reader, key, &record);
                }
                let checked = check::handed_out(self, key, &record);
                checked.map_err(|what| self.violated(what))?;
                self.readers[reader].goes_on(key, record.version);
                Ok(())
            }
            Reply::Unavailable { version, failure, .. } => {
                self.readers[reader].entry(key).invalidate_up_to(version);
                let checked = check::got_nothing(self, key, failure.as_ref());
                checked.map_err(|what| self.violated(what))
            }
            _ => Ok(()),
        }
    }
}
