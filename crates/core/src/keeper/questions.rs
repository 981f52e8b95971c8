//! Questions of the Worker's, and who waits for what.

use super::QuestionId;
use super::check::Check;
use super::machine::Machine;
use crate::credential::{Credential, Version};
use crate::digest::Sha256Digest;
use crate::engine::{Answer, CallId, Event, Patience};
use crate::protocol::{Ask, Reply};

/// The longest time that a reader waits for a refresh, in milliseconds.
const READER_WAITS_MS: u64 = 5_000;

/// A call that is due within a moment is looked for again after this, in milliseconds.
const UNTIL_DUE_MS: u64 = 500;

/// A question that has no answer yet.
pub(super) enum Waiting {
    /// For a credential.
    Credential(Reader),
    /// Until no call is under way.
    Quiet,
    /// For a check by hand.
    Check(Check),
}

/// Waits for a credential.
pub(super) struct Reader {
    credential: Credential,
    wish: Wish,
    /// Whose word it is that the value is dead.
    by: Option<String>,
    /// The version when it began to wait.
    before: Version,
    deadline_ms: u64,
    look_at_ms: u64,
    /// The call whose end it waits for.
    call: Option<CallId>,
}

#[derive(Clone, Copy)]
enum Wish {
    Life {
        min_ttl_s: u64,
    },
    Check {
        digest: Sha256Digest,
    },
    /// A check that no pause holds up, as long as its caller has not cried wolf too often.
    Word {
        digest: Sha256Digest,
    },
}

impl Wish {
    const fn event(self, patience: Patience) -> Event {
        match self {
            Self::Life { min_ttl_s } => Event::Read { min_ttl_s, patience },
            Self::Check { digest } => Event::StaleReport { digest, patience },
            Self::Word { digest } => Event::Refused { digest, patience },
        }
    }
}

impl Waiting {
    pub(super) const fn look_at_ms(&self) -> Option<u64> {
        match self {
            Self::Credential(reader) => Some(reader.look_at_ms),
            Self::Quiet => None,
            Self::Check(check) => Some(check.deadline_ms()),
        }
    }
}

impl Machine {
    /// Takes a question. What can be answered at once is.
    pub(super) fn ask(&mut self, id: QuestionId, ask: Ask) {
        match ask {
            Ask::Read { credential, min_ttl_s, shown } => {
                if let Some(version) = shown.filter(|_| self.keeps(credential)) {
                    self.step(credential, Event::StoreShows(version));
                }
                self.wait_for(id, credential, Wish::Life { min_ttl_s }, None);
            }
            Ask::Stale { credential, digest } => self.wait_for(id, credential, Wish::Check { digest }, None),
            Ask::Refused { credential, digest, by } => {
                self.wait_for(id, credential, Wish::Word { digest }, Some(by));
            }
            Ask::Wake { shown } => {
                self.forget_note();
                self.wake(id, &shown);
            }
            Ask::Revoke => {
                self.step(Credential::AccessToken, Event::Revoke);
                self.reply(id, Reply::Status(self.report()));
            }
            Ask::Reseal => {
                let slots = self.reseal();
                self.reply(id, Reply::Resealed { slots });
            }
            Ask::Check(only) => self.check(id, only),
            Ask::Status => self.reply(id, Reply::Status(self.report())),
        }
    }

    /// Does what is due for every credential; the question is answered when it is done. The store showed these versions.
    pub(super) fn wake(&mut self, id: QuestionId, shown: &[(Credential, Version)]) {
        for credential in self.credentials() {
            for (_, version) in shown.iter().filter(|(shown, _)| *shown == credential) {
                self.step(credential, Event::StoreShows(*version));
            }
            self.give_up_lost_call(credential);
            self.step(credential, Event::Tick);
        }
        self.waiting.insert(id, Waiting::Quiet);
    }

    pub(super) fn reply(&mut self, id: QuestionId, reply: Reply) {
        self.effects.replies.push((id, Ok(reply)));
    }

    fn keeps(&self, credential: Credential) -> bool {
        self.setup.credentials.contains(&credential)
    }

    fn wait_for(&mut self, id: QuestionId, credential: Credential, wish: Wish, by: Option<String>) {
        if !self.keeps(credential) {
            // During a deployment the Worker may know of a ticket that this instance does not keep.
            self.effects.replies.push((id, Err("this credential is not kept")));
            return;
        }
        let now_ms = self.at.now_ms;
        let (before, deadline_ms) = (self.version(credential), now_ms + READER_WAITS_MS);
        let reader = Reader { credential, wish, by, before, deadline_ms, look_at_ms: now_ms, call: None };
        self.waiting.insert(id, Waiting::Credential(reader));
    }

    /// A question that may have an answer now.
    pub(super) fn ready_to_look(&self) -> Option<QuestionId> {
        let is_ready = |waiting: &Waiting| match waiting {
            Waiting::Credential(reader) => {
                let call = self.calls.get(&reader.credential).map(|flight| flight.id);
                self.at.now_ms >= reader.look_at_ms || reader.call.is_some_and(|one| call != Some(one))
            }
            Waiting::Quiet => self.calls.is_empty(),
            Waiting::Check(check) => self.is_over(check),
        };
        self.waiting.iter().find(|(_, waiting)| is_ready(waiting)).map(|(id, _)| *id)
    }

    /// Answers a question, or lets it wait on.
    pub(super) fn look_again(&mut self, id: QuestionId) {
        match self.waiting.remove(&id) {
            Some(Waiting::Credential(reader)) => self.read(id, reader),
            Some(Waiting::Quiet) => self.reply(id, Reply::Awake),
            Some(Waiting::Check(check)) => self.go_on_with_check(id, check),
            None => {}
        }
    }

    /// What the engine says to a reader. A word is acted on once.
    fn ask_engine(&mut self, reader: &mut Reader, patience: Patience) -> Option<Answer> {
        let now_ms = self.at.now_ms;
        let counts = reader.by.as_ref().is_some_and(|by| self.words.count(by, now_ms));
        let wish = match reader.wish {
            Wish::Word { digest } if !counts => Wish::Check { digest },
            wish => wish,
        };
        let effects = self.step(reader.credential, wish.event(patience));
        if let (Wish::Word { .. }, Some(by), true) = (wish, &reader.by, effects.call.is_some()) {
            self.words.spend(by, now_ms);
            reader.wish = Wish::Life { min_ttl_s: 0 };
        }
        effects.answer
    }

    /// Asks the engine for a reader; at its deadline it takes what there is.
    fn read(&mut self, id: QuestionId, mut reader: Reader) {
        let now_ms = self.at.now_ms;
        let patience = if now_ms >= reader.deadline_ms { Patience::Spent } else { Patience::Left };
        match self.ask_engine(&mut reader, patience) {
            Some(Answer::Serve(record)) => {
                if let (true, Some(by)) = (record.version > reader.before, &reader.by) {
                    self.words.give_back(by);
                }
                let rotated = record.version > reader.before;
                self.reply(id, Reply::Served { record, rotated });
            }
            Some(Answer::Unavailable { retry_after_s, failure }) => {
                let version = self.version(reader.credential);
                self.reply(id, Reply::Unavailable { version, retry_after_s, failure });
            }
            Some(Answer::Wait) | None => {
                self.give_up_lost_call(reader.credential);
                reader.call = self.calls.get(&reader.credential).map(|flight| flight.id);
                let pause_ms = if reader.call.is_some() { READER_WAITS_MS } else { UNTIL_DUE_MS };
                reader.look_at_ms = reader.deadline_ms.min(now_ms + pause_ms);
                self.waiting.insert(id, Waiting::Credential(reader));
            }
        }
    }
}
