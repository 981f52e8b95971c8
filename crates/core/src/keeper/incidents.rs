//! The book of incidents with its delivery: one notice at a time. The Keeper of an app has one about its credentials,
//! the scheduler has one about the configuration.
//!
//! A notice is committed before it is sent and crossed out when it has arrived: one that is sent while its object is
//! killed may arrive twice, with the same id.

use super::effect::Arrival;
use crate::alert::{Book, Finding, Incident, Notice};
use crate::time::UnixTime;

/// An object that is killed while it sends comes back after this.
const WHILE_SENDING_S: u64 = 15;

/// A sending that has not ended after this time was given up by the runtime.
const NEVER_SENT_S: u64 = 600;

/// What an object that keeps no credentials has to do next for its incidents, in this order.
#[derive(Debug)]
pub struct Step {
    /// Commit the book.
    pub commit: Option<Book>,
    /// Set the alarm.
    pub alarm_at: Option<UnixTime>,
    /// Send this, say what became of it ([`Incidents::sent`]), and ask for the next step.
    pub send: Option<Notice>,
}

/// The book, and what is being sent of it.
#[derive(Debug)]
pub struct Incidents {
    book: Book,
    /// Whether there is a receiver for notices.
    can_tell: bool,
    sending: Option<(Notice, UnixTime)>,
    committed: Book,
}

impl Incidents {
    /// The book as it was committed.
    pub fn new(book: Book, can_tell: bool) -> Self {
        Self { committed: book.clone(), book, can_tell, sending: None }
    }

    /// The book.
    pub const fn book(&self) -> &Book {
        &self.book
    }

    /// Whether this one is going on.
    pub(super) fn is_open(&self, incident: Incident) -> bool {
        self.book.is_open(incident)
    }

    /// Compares what is wrong now with what was.
    pub fn look(&mut self, findings: &[Finding], now: UnixTime) {
        self.book.look(findings, now, self.can_tell);
    }

    /// The book, where it is another than was committed last.
    pub(super) fn uncommitted(&mut self) -> Option<Book> {
        if self.book == self.committed {
            return None;
        }
        self.committed = self.book.clone();
        Some(self.book.clone())
    }

    /// When the object has to be awake for it: for the next sending, or because one may have been cut off.
    pub(super) fn due_at(&self) -> Option<UnixTime> {
        let due_at = self.book.due_at().filter(|_| self.can_tell)?;
        Some(self.sending.as_ref().map_or(due_at, |(_, since)| due_at.max(since.plus(WHILE_SENDING_S))))
    }

    /// What to do next. The alarm stands before anything is sent, for the case that the object is killed meanwhile.
    pub fn next_step(&mut self, now: UnixTime) -> Step {
        let send = self.begin(now);
        let alarm_at = self.due_at().map(|due_at| due_at.max(now.plus(1)));
        Step { commit: self.uncommitted(), alarm_at, send }
    }

    /// The notice that is to be sent now; it is taken to be under way from here on. Commit the book first.
    pub(super) fn begin(&mut self, now: UnixTime) -> Option<Notice> {
        let busy = self.sending.as_ref().is_some_and(|(_, since)| since.until(now) < NEVER_SENT_S);
        if busy || !self.can_tell {
            return None;
        }
        let notice = self.book.due(now)?.clone();
        self.sending = Some((notice.clone(), now));
        Some(notice)
    }

    /// A notice has arrived, or has not; `None` when it is not the one that was sent last.
    pub fn sent(&mut self, id: u64, arrived: bool, now: UnixTime) -> Option<(Notice, Arrival)> {
        let (notice, _) = self.sending.take_if(|(notice, _)| notice.id == id)?;
        let arrival = if arrived {
            self.book.delivered(id);
            Arrival::Arrived
        } else if self.book.failed(id, now) {
            Arrival::GivenUp
        } else {
            Arrival::Again
        };
        Some((notice, arrival))
    }
}
