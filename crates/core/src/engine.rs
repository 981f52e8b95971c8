//! The engine: one pure function that decides everything about time, order and failure.
//!
//! [`decide`] takes the [`Slot`] of one credential, the moment, and what happened; it returns the
//! new slot and the [`Effects`] that the Keeper carries out, in this order: persist, alert, answer,
//! call, publish, wake. Nothing is in the slot that is not persisted, so a Keeper killed at any
//! point comes back whole: it loads the slot, says [`Event::Lost`], and goes on.
//!
//! In scope: when to ask the provider, what a reply changes, who gets which answer.
//! Out of scope: sending, storing, waiting, clocks.

mod answer;
mod backoff;
mod demand;
mod ledger;
mod missed;
mod outcome;
mod outsider;
mod policy;
mod refused;
mod reply;
mod revoke;
mod schedule;
mod sights;
mod slot;
mod status;
#[cfg(test)]
mod tests;

pub use ledger::{Calls, Count};
pub use outsider::Outsider;
pub use policy::{Check, Lead, LifeRule, Limits, OldValue, Repeat, RotationPolicy};
pub use reply::{Class, Failure, Issued, Refusal, Verdict};
pub use revoke::Revoke;
pub use slot::{Slot, Stored, Trouble};
pub use status::Status;

use crate::app::Identity;
use crate::credential::Version;
use crate::digest::Sha256Digest;
use crate::record::Record;
use crate::time::UnixTime;
use serde::{Deserialize, Serialize};

/// Now, and a random number for this decision's jitter.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The time, read once per event.
    pub now: UnixTime,
    /// Any random number.
    pub dice: u32,
}

/// A call to the provider that concerns one credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// Ask for the credential.
    Refresh,
    /// Ask for the token to be replaced, whatever its age: only for one that the provider calls dead, or
    /// that has leaked.
    ForcedRefresh,
    /// Ask whether the held token lives.
    Probe,
    /// The same, before a call of the plain API that rotates: an outage is noticed while nothing is at
    /// risk yet.
    Knock,
}

impl Call {
    /// Whether it may bring another value.
    pub const fn fetches(self) -> bool {
        matches!(self, Self::Refresh | Self::ForcedRefresh)
    }
}

/// Tells the calls of one credential apart, also across restarts: it counts them up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallId(u64);

impl CallId {
    pub(crate) const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    const fn is_none(&self) -> bool {
        self.0 == 0
    }
}

/// Whether the one who asks can still wait for a call that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// [`Answer::Wait`] is welcome.
    Left,
    /// It has waited long enough: what is there, or a refusal.
    Spent,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// The Keeper serves the app under this identity. Said first after loading a slot.
    Configured(Identity),
    /// The slot was loaded with a call under way, but whoever made the call is gone.
    Lost,
    /// The alarm, the cron, or a reader who saw that it is due.
    Tick,
    /// Somebody wants the credential, with at least `min_ttl_s` seconds left if that can be had.
    Read {
        /// Seconds of life that are wished for.
        min_ttl_s: u64,
        /// Whether waiting is welcome.
        patience: Patience,
    },
    /// A child wants it, to be fetched with it, and waits for it.
    Lend,
    /// The parent has a live value again, after it had none.
    ParentIsBack,
    /// Somebody says that the value with this digest is dead.
    StaleReport {
        /// SHA-256 of the value.
        digest: Sha256Digest,
        /// Whether waiting is welcome.
        patience: Patience,
    },
    /// The provider has refused the value with this digest as dead: in a call of a caller's, who may have made it look so.
    Refused {
        /// SHA-256 of the value.
        digest: Sha256Digest,
        /// Whether waiting is welcome.
        patience: Patience,
    },
    /// This call brought a credential. Its life counts from the moment that the call was sent.
    Issued {
        /// Which call.
        call: CallId,
        /// What came.
        issued: Issued,
    },
    /// This call brought none.
    Failed {
        /// Which call.
        call: CallId,
        /// Why.
        failure: Failure,
    },
    /// This probe has ended.
    Probed {
        /// Which call.
        call: CallId,
        /// What it found.
        verdict: Verdict,
    },
    /// The store took what was published; `None` for a withdrawal.
    Published(Option<Stored>),
    /// The store did not take it.
    PublishFailed,
    /// Somebody found a record of this version in the store; [`Version::NONE`] for none at all.
    StoreShows(Version),
    /// The store refused what was published, because it holds this newer version.
    StoreAhead(Version),
    /// The token has leaked: kill it.
    Revoke,
    /// A person wants it tried now: the cause of a failure has been mended, or so they think.
    Demand,
    /// What is stored is to be sealed anew, with another key.
    Reseal,
}

/// What one who asked is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The credential.
    Serve(Record),
    /// A call is under way, or due within a moment: wait for its end, then ask again.
    Wait,
    /// There is none that lives.
    Unavailable {
        /// Seconds after which asking again may help.
        retry_after_s: u64,
        /// Why there is none, where that is known.
        failure: Option<Failure>,
    },
}

/// What a person should hear, once per incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Alert {
    /// A person has to act, or retrying has not helped for a while.
    Failing(Failure),
    /// It works again.
    Recovered,
    /// The token died before its time, and not by our doing: somebody else refreshes this appid.
    KilledOutside,
    /// Somebody has asked for the token to be killed.
    Revoking,
    /// The token that was to be killed is dead.
    Revoked,
}

/// What is to be done, in the order of the fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// The slot changed: commit it before anything else is done.
    pub persist: bool,
    /// Tell a person.
    pub alerts: Vec<Alert>,
    /// Answer who asked.
    pub answer: Option<Answer>,
    /// Send this to the provider; the slot holds it as under way until its outcome is told.
    pub call: Option<Call>,
    /// The store differs from the slot: publish [`Slot::record`], or withdraw when there is none.
    pub publish: bool,
    /// When the next [`Event::Tick`] is due at the latest.
    pub wake_at: Option<UnixTime>,
    /// The same, but for the store: when the cron has to come if nobody else does.
    pub call_at: Option<UnixTime>,
}

/// Decides what an event changes and what is to be done about it.
pub fn decide(policy: RotationPolicy, slot: &Slot, moment: Moment, event: Event) -> (Slot, Effects) {
    let mut turn = Turn { policy, moment, slot: slot.clone(), effects: Effects::default() };
    turn.slot.set_right(&policy, moment.now);
    match event {
        Event::Configured(identity) => turn.configured(identity),
        Event::Lost => turn.lost(),
        Event::Tick => turn.do_what_is_due(),
        Event::Read { min_ttl_s, patience } => turn.read(min_ttl_s, patience),
        Event::Lend => turn.lend(),
        Event::ParentIsBack => turn.parent_is_back(),
        Event::StaleReport { digest, patience } => turn.stale_report(digest, patience),
        Event::Refused { digest, patience } => turn.refused(digest, patience),
        Event::Issued { call, issued } => turn.issued(call, issued),
        Event::Failed { call, failure } => turn.failed(call, failure),
        Event::Probed { call, verdict } => turn.probed(call, verdict),
        Event::Published(stored) => turn.slot.published(stored),
        Event::PublishFailed => turn.slot.publish_failed(moment.now),
        Event::StoreShows(version) => turn.slot.store_shows(version, moment.now),
        Event::StoreAhead(version) => turn.slot.store_ahead(version),
        Event::Revoke => turn.revoke(),
        Event::Demand => turn.demand(),
        Event::Reseal => turn.slot.publish_again(),
    }
    turn.finish(slot)
}

/// One run of [`decide`]: the slot as it becomes, and the effects as they gather.
struct Turn {
    policy: RotationPolicy,
    moment: Moment,
    slot: Slot,
    effects: Effects,
}

impl Turn {
    fn finish(mut self, before: &Slot) -> (Slot, Effects) {
        self.effects.persist = self.slot != *before;
        self.effects.publish = self.slot.is_to_be_published(self.moment.now);
        let call_at = self.slot.call_at(&self.policy);
        self.effects.wake_at = Some(self.slot.publish_at().map_or(call_at, |at| at.min(call_at)));
        self.effects.call_at = Some(call_at);
        (self.slot, self.effects)
    }

    fn do_what_is_due(&mut self) {
        self.refresh_if_due();
        self.revoke_if_due();
        self.check_if_due();
    }

    /// Starts the refresh if it is time, nothing is under way, and the ledger allows it.
    fn refresh_if_due(&mut self) {
        let now = self.moment.now;
        if self.slot.under_way.is_some() || now < self.slot.wanted_at() {
            return;
        }
        if self.slot.due_at(&self.policy) <= now {
            self.start(if self.needs_knock() { Call::Knock } else { Call::Refresh });
        } else if self.slot.ledger.is_full(&self.policy.limits, now) {
            self.note_full_ledger();
        }
    }

    /// Whether a lost reply would cost the held value some of its life.
    fn needs_knock(&self) -> bool {
        let now = self.moment.now;
        self.policy.replaces()
            && self.slot.left_s(now) > self.policy.overlap_s()
            && self.slot.ledger.probe_from(&self.policy.limits) <= now
    }

    fn start(&mut self, call: Call) {
        self.slot.start(&self.policy, call, self.moment.now);
        self.effects.call = Some(call);
    }
}
