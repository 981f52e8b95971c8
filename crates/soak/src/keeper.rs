//! A Keeper as it stands on a machine that may be killed at any moment: the core's own, what it has committed, and what
//! it waits for.

use crate::Millis;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use zhongkong_core::alert::Book;
use zhongkong_core::config::ReadyApp;
use zhongkong_core::credential::Credential;
use zhongkong_core::engine::{CallId, RotationPolicy, Slot};
use zhongkong_core::keeper::{Machine, QuestionId};
use zhongkong_core::providers::Provider as _;

/// One Keeper.
pub struct Keeper {
    /// Its app, as configured at this moment.
    pub ready: Rc<ReadyApp>,
    /// The instance that is running; `None` before its first question, and after a kill.
    pub machine: Option<Machine>,
    /// Counts the instances: what an earlier one has started does not reach this one.
    pub instance: u64,
    /// What is committed.
    pub slots: BTreeMap<Credential, Slot>,
    /// The book of incidents, as it is committed.
    pub book: Book,
    /// When the alarm is set for; it survives kills.
    pub alarm_at: Option<Millis>,
    /// Calls that this instance has sent.
    pub calls: BTreeMap<Credential, CallId>,
    /// Writes to the store that are under way.
    pub writes: BTreeSet<Credential>,
    /// Who waits for an answer of this instance.
    pub questions: BTreeMap<QuestionId, Question>,
    /// The moment that this instance was promised to be woken at.
    pub timer_at: Option<Millis>,
    asked: QuestionId,
}

/// A question of a reader's.
pub struct Question {
    /// Which reader.
    pub reader: usize,
    /// For which credential.
    pub credential: Credential,
    /// A value that was reported as dead.
    pub report: Option<String>,
    /// When it was asked.
    pub asked_at: Millis,
}

impl Keeper {
    /// The Keeper of an app that was never asked.
    pub fn new(ready: ReadyApp) -> Self {
        Self {
            ready: Rc::new(ready),
            machine: None,
            instance: 0,
            slots: BTreeMap::new(),
            book: Book::default(),
            alarm_at: None,
            calls: BTreeMap::new(),
            writes: BTreeSet::new(),
            questions: BTreeMap::new(),
            timer_at: None,
            asked: 0,
        }
    }

    /// How one of its credentials rotates.
    pub fn policy(&self, credential: Credential) -> RotationPolicy {
        self.ready.app.policy(credential)
    }

    /// A committed slot.
    pub fn slot(&self, credential: Credential) -> Slot {
        self.slots.get(&credential).cloned().unwrap_or_default()
    }

    /// Everything that it keeps.
    pub fn credentials(&self) -> Vec<Credential> {
        self.ready.app.credentials().collect()
    }

    /// The number of a new question.
    pub fn next_question(&mut self) -> QuestionId {
        self.asked += 1;
        self.asked
    }

    /// The instance dies; gives back who was waiting for it.
    pub fn kill(&mut self) -> BTreeMap<QuestionId, Question> {
        self.instance += 1;
        self.machine = None;
        self.calls.clear();
        self.writes.clear();
        self.timer_at = None;
        std::mem::take(&mut self.questions)
    }
}
