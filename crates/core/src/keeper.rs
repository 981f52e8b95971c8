//! The Keeper of one app as a machine without I/O: inputs go in, effects come out.
//!
//! [`Machine::handle`] decides everything about an app that concerns time, order and failure: which calls run, what is
//! committed, published and told, who waits for what, and when the alarm rings. The Durable Object carries the effects
//! out in their order and feeds back what became of them; the soak does the same in virtual time. A Keeper that is
//! killed comes back by [`Machine::load`] from what was committed: calls that were under way are found to be lost.
//!
//! In scope: every credential of one app, calls in flight, questions that wait, publishing, the alarm, notes for the
//! scheduler, the book of incidents.
//! Out of scope: what one credential needs ([`crate::engine`]), and carrying anything out.

mod alarm;
mod calls;
mod check;
mod effect;
mod incidents;
mod machine;
mod notes;
mod publishing;
mod questions;
#[cfg(test)]
mod tests;
mod words;

pub use calls::{Answered, Asked};
pub use effect::{Announcement, Arrival, Effect};
pub use incidents::{Incidents, Step};
pub use machine::Machine;
pub use notes::Note;

use crate::app::Identity;
use crate::config::ReadyApp;
use crate::credential::{Credential, Version};
use crate::engine::CallId;
use crate::language::Language;
use crate::protocol::Ask;
use crate::providers::Provider;
use std::rc::Rc;

/// After an alarm that failed itself, for instance in SQLite, the next one is set this much later, in seconds.
pub const ALARM_AGAIN_S: u64 = 30;

/// A Keeper whose app is not configured any more wakes this often, in seconds, until nothing is left of its history.
pub const RESTING_S: u64 = 24 * 3600;

/// Tells the questions of one instance of a Keeper apart.
pub type QuestionId = u64;

/// The time of an input, and a random number for its jitter.
#[derive(Clone, Copy, Debug)]
pub struct Instant {
    /// In Unix milliseconds.
    pub now_ms: u64,
    /// Any random number.
    pub dice: u32,
}

/// What a Keeper works with: it does not change while an instance lives.
#[derive(Clone)]
pub struct Setup {
    /// Under which the values are fetched: what was fetched under another is not served on.
    pub identity: Identity,
    /// What is kept; a parent stands before its children.
    pub credentials: Vec<Credential>,
    /// How many hosts there are, to be tried in their order.
    pub hosts: usize,
    /// The account.
    pub provider: Rc<dyn Provider>,
    /// The language of alerts; `None` without a receiver.
    pub alerts: Option<Language>,
}

impl Setup {
    /// For a configured app.
    pub fn new(ready: &ReadyApp, alerts: Option<Language>) -> Self {
        Self {
            identity: ready.identity,
            credentials: ready.app.credentials().collect(),
            hosts: ready.app.api_hosts.len(),
            provider: Rc::new(ready.app.clone()),
            alerts,
        }
    }
}

/// What has happened.
#[derive(Debug)]
pub enum Input {
    /// A question, to be answered by [`Effect::Reply`] with this number.
    Question(QuestionId, Ask),
    /// The alarm rings. [`Effect::Reply`] with this number comes when everything that was due is done.
    Alarm(QuestionId),
    /// The alarm could not be set.
    AlarmNotSet,
    /// The time of [`Machine::timer_ms`] has come.
    Timer,
    /// A host has answered a call, or has not.
    Answered {
        /// Whose call.
        credential: Credential,
        /// Which call.
        call: CallId,
        /// What came.
        answer: Answered,
    },
    /// The store has taken what was published last of this credential.
    Published(Credential),
    /// The store has not taken it.
    PublishFailed(Credential),
    /// The store holds this newer version, and has taken nothing.
    StoreAhead(Credential, Version),
    /// The scheduler has taken the note, or could not be reached.
    Noted {
        /// Whether it arrived.
        arrived: bool,
    },
    /// A notice has been sent.
    Delivered {
        /// Which one.
        id: u64,
        /// Whether the receiver has taken it.
        arrived: bool,
    },
}
