//! What a Keeper has to do in the world, and in which order.

use super::QuestionId;
use super::calls::Asked;
use super::notes::Note;
use crate::alert::{Book, Notice};
use crate::credential::{Credential, Version};
use crate::engine::{Alert, Call, Failure, Slot, Status};
use crate::history::Deed;
use crate::protocol::Reply;
use crate::record::Published;
use std::collections::BTreeMap;

/// One thing to do.
#[derive(Debug)]
pub enum Effect {
    /// Commit this slot, sealed. When that fails, the instance must not go on: its memory would be ahead of what a
    /// restart finds.
    Commit(Credential, Box<Slot>),
    /// Commit the book of incidents.
    CommitBook(Book),
    /// Note the life of a credential's value, for the plots.
    Life(Credential, Box<Status>),
    /// Write this into the history.
    Tell(Deed<'static>),
    /// Write this into the log.
    Log(Announcement),
    /// Set the alarm, in Unix milliseconds. It stands before anything leaves the Keeper: one that is killed then comes
    /// back by it.
    SetAlarm(u64),
    /// Ask a host of the provider.
    Send(Asked),
    /// Write this to the store. For each credential one write after the other: no older version overtakes a newer one.
    Publish(Credential, Published),
    /// Answer a question; `Err` with what is wrong with it.
    Reply(QuestionId, Result<Reply, &'static str>),
    /// Tell the scheduler.
    Note(Note),
    /// Send this to the webhook.
    Deliver(Notice),
}

/// What the log is told.
#[derive(Debug)]
pub enum Announcement {
    /// A newer value has replaced the one before.
    Rotated(Credential, Version),
    /// A call for a value has ended.
    Called(Credential, Call, Option<Failure>),
    /// What a person should hear of the engine.
    Alert(Credential, Alert),
    /// The store was ahead of the Keeper.
    StoreAhead(Credential, Version),
    /// A notice has arrived, or not.
    Notice(Notice, Arrival),
}

/// What became of sending a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// It has arrived.
    Arrived,
    /// It will be sent again.
    Again,
    /// It has not arrived for so long that it is given up.
    GivenUp,
}

/// What one input comes to. A credential or an alarm that changes twice is carried out once, as it is in the end.
#[derive(Debug, Default)]
pub(super) struct Effects {
    pub(super) commits: BTreeMap<Credential, Slot>,
    pub(super) book: Option<Book>,
    pub(super) lives: Vec<(Credential, Status)>,
    pub(super) deeds: Vec<Deed<'static>>,
    pub(super) log: Vec<Announcement>,
    pub(super) alarm_ms: Option<u64>,
    pub(super) sends: Vec<Asked>,
    pub(super) publishes: Vec<(Credential, Published)>,
    pub(super) replies: Vec<(QuestionId, Result<Reply, &'static str>)>,
    pub(super) note: Option<Note>,
    pub(super) deliver: Option<Notice>,
}

impl Effects {
    /// In the order that keeps the promises: commit, set the alarm, send and publish, answer.
    pub(super) fn in_order(self) -> Vec<Effect> {
        let mut effects = Vec::new();
        effects.extend(self.commits.into_iter().map(|(of, slot)| Effect::Commit(of, Box::new(slot))));
        effects.extend(self.book.map(Effect::CommitBook));
        effects.extend(self.alarm_ms.map(Effect::SetAlarm));
        effects.extend(self.sends.into_iter().map(Effect::Send));
        effects.extend(self.publishes.into_iter().map(|(of, record)| Effect::Publish(of, record)));
        effects.extend(self.replies.into_iter().map(|(id, reply)| Effect::Reply(id, reply)));
        effects.extend(self.lives.into_iter().map(|(of, status)| Effect::Life(of, Box::new(status))));
        effects.extend(self.deeds.into_iter().map(Effect::Tell));
        effects.extend(self.log.into_iter().map(Effect::Log));
        effects.extend(self.note.map(Effect::Note));
        effects.extend(self.deliver.map(Effect::Deliver));
        effects
    }
}
