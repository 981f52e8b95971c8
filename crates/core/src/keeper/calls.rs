//! Calls to the provider that are under way, each at most once for a credential: to which host they go, what
//! they carry, and what the reply means.

use super::effect::Announcement;
use super::machine::Machine;
use crate::credential::{Credential, Value};
use crate::digest::Sha256Digest;
use crate::engine::{Answer, Call, CallId, Class, Event, Failure, Patience, Repeat, Verdict};
use crate::providers::{ApiRequest, Inputs, Reading};
use std::ops::Range;
use std::rc::Rc;

/// In whose name the Keeper's own calls are counted: no caller's.
const OUR_OWN: &str = "*keeper";

/// With nothing to lose a call that replaces a value goes to all hosts, until it has failed so often in a row.
const BOTH_HOSTS: usize = 3;

/// A request that one host is to be asked.
#[derive(Clone)]
pub struct Asked {
    /// For which credential.
    pub credential: Credential,
    /// Which call.
    pub call: CallId,
    /// What for.
    pub kind: Call,
    /// The host, by its place in the app's settings.
    pub host: usize,
    /// What is sent. It holds secrets.
    pub request: Rc<ApiRequest>,
}

impl core::fmt::Debug for Asked {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { credential, call, kind, host, .. } = self;
        write!(f, "Asked({credential}, {call:?}, {kind:?}, host {host})")
    }
}

/// What a host has answered; nothing of it is shown by `Debug`.
pub enum Answered {
    /// Nothing, in time.
    Nothing,
    /// This.
    Reply {
        /// The HTTP status. A provider itself may refuse with 200 and a code.
        status: u16,
        /// The body, cut off where it is too long to be a reply.
        body: Vec<u8>,
    },
}

impl core::fmt::Debug for Answered {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Nothing => f.write_str("Nothing"),
            Self::Reply { status, body } => write!(f, "Reply({status}, {} bytes)", body.len()),
        }
    }
}

/// A call under way.
pub(super) struct Flight {
    pub(super) id: CallId,
    kind: Call,
    /// Hosts that are still to be asked, after the one that is being asked.
    hosts: Range<usize>,
    host: usize,
    request: Option<Rc<ApiRequest>>,
    /// Nothing was sent yet, because the parent's value that goes along is on its way.
    waits_for_parent: bool,
    /// The status of the last answer that was no reply of the provider.
    garbled: Option<u16>,
    /// The parent's value that the request carries.
    carries: Option<Value>,
}

impl Flight {
    pub(super) const fn new(id: CallId, kind: Call) -> Self {
        Self {
            id,
            kind,
            hosts: 0..0,
            host: 0,
            request: None,
            waits_for_parent: false,
            garbled: None,
            carries: None,
        }
    }
}

impl Machine {
    /// A flight that can be sent now.
    pub(super) fn ready_to_send(&self) -> Option<Credential> {
        let parent_comes = |of: Credential| {
            self.setup.provider.parent(of).is_some_and(|parent| self.calls.contains_key(&parent))
        };
        let ready = |of: Credential, flight: &Flight| {
            flight.request.is_none() && !(flight.waits_for_parent && parent_comes(of))
        };
        self.calls.iter().find(|(of, flight)| ready(**of, flight)).map(|(credential, _)| *credential)
    }

    /// Sends a call to its first host.
    pub(super) fn send(&mut self, credential: Credential) {
        let Some(kind) = self.calls.get(&credential).map(|flight| flight.kind) else { return };
        let Some((request, carries)) = self.request(credential, kind) else { return };
        let hosts = self.hosts(credential, kind);
        if let Some(flight) = self.calls.get_mut(&credential) {
            (flight.request, flight.hosts, flight.carries) = (Some(Rc::new(request)), hosts, carries);
        }
        self.send_to_next_host(credential);
    }

    /// What is sent, with the parent's value where that goes along; `None` where the call has to wait for that, or has
    /// ended without it.
    fn request(&mut self, credential: Credential, kind: Call) -> Option<(ApiRequest, Option<Value>)> {
        let parent = self.setup.provider.parent(credential).filter(|_| kind.fetches());
        let parents_value = match parent {
            Some(parent) => Some(self.value_of_parent(credential, parent)?),
            None => None,
        };
        let slot = self.slot(credential);
        let inputs = Inputs {
            held: slot.held_value(),
            parent: parents_value.as_ref(),
            refresh_token: slot.refresh_token(),
        };
        let Some(request) = self.setup.provider.request(credential, kind, inputs) else {
            let nothing = Reading::Probed(Verdict::Unclear);
            let reading = if kind.fetches() { Reading::Failed(Failure::NoToken) } else { nothing };
            self.end(credential, reading);
            return None;
        };
        Some((request, parents_value))
    }

    /// A live value of the parent, which is waited for where it is on its way.
    fn value_of_parent(&mut self, credential: Credential, parent: Credential) -> Option<Value> {
        let event = if self.slot(credential).is_missed(self.now()) {
            Event::Read { min_ttl_s: 0, patience: Patience::Left }
        } else {
            Event::Lend
        };
        match self.step(parent, event).answer {
            Some(Answer::Serve(record)) => Some(record.value),
            Some(Answer::Wait) if self.calls.contains_key(&parent) => {
                let flight = self.calls.get_mut(&credential)?;
                flight.waits_for_parent = true;
                None
            }
            _ => {
                self.end(credential, Reading::Failed(Failure::NoToken));
                None
            }
        }
    }

    /// The hosts that a call may go to, one after the other. Where asking replaces the value a second one would replace it
    /// twice, so while there is a value to lose it is one host an attempt: the one that has just answered a knock, else
    /// the next one each time. So it is after some failures: each host that is asked costs a call of the day's.
    fn hosts(&mut self, credential: Credential, kind: Call) -> Range<usize> {
        let count = self.setup.hosts;
        let knocked = self.knocked_at.take();
        let slot = self.slot(credential);
        let replaces = self.policy(credential).repeat == Repeat::New && kind.fetches();
        let failures = usize::try_from(slot.failures()).unwrap_or(0);
        if !replaces || (!slot.has_something_to_lose(self.now()) && failures < BOTH_HOSTS) {
            return 0..count;
        }
        let host = knocked.unwrap_or(failures) % count.max(1);
        host..(host + 1).min(count)
    }

    fn send_to_next_host(&mut self, credential: Credential) {
        let Some(flight) = self.calls.get_mut(&credential) else { return };
        let (Some(host), Some(request)) = (flight.hosts.next(), &flight.request) else {
            let reading = Reading::of_no_reply(flight.kind, flight.garbled);
            return self.end(credential, reading);
        };
        flight.host = host;
        let (call, kind, request) = (flight.id, flight.kind, Rc::clone(request));
        self.effects.sends.push(Asked { credential, call, kind, host, request });
    }

    /// A host has answered. What is no reply of the provider sends the call on to the next host.
    pub(super) fn answered(&mut self, credential: Credential, call: CallId, answer: &Answered) {
        let Some(flight) = self.calls.get_mut(&credential).filter(|flight| flight.id == call) else { return };
        if let Answered::Reply { status, body } = answer {
            if let Some(reading) = self.setup.provider.read(credential, flight.kind, body) {
                if flight.kind == Call::Knock {
                    self.knocked_at = Some(flight.host);
                }
                return self.end(credential, reading);
            }
            flight.garbled = Some(*status);
        }
        self.send_to_next_host(credential);
    }

    /// A call has ended.
    fn end(&mut self, credential: Credential, reading: Reading) {
        let Some(Flight { id: call, kind, carries, .. }) = self.calls.remove(&credential) else { return };
        let event = match reading {
            Reading::Issued(issued) => {
                self.effects.log.push(Announcement::Called(credential, kind, None));
                Event::Issued { call, issued }
            }
            Reading::Failed(failure) => {
                self.effects.log.push(Announcement::Called(credential, kind, Some(failure.clone())));
                let dead = self.policy(credential).class(&failure) == Class::DeadToken;
                if let (true, Some(value), Some(parent)) =
                    (dead, carries, self.setup.provider.parent(credential))
                {
                    // It is looked at before anything is done about it; this call is made again when it lives.
                    self.refused_to_us(parent, value.digest());
                }
                Event::Failed { call, failure }
            }
            Reading::Probed(verdict) => Event::Probed { call, verdict },
        };
        self.step(credential, event);
    }

    /// The provider has refused a parent's value, in a call of the Keeper's own.
    fn refused_to_us(&mut self, parent: Credential, digest: Sha256Digest) {
        let (patience, now_ms) = (Patience::Spent, self.at.now_ms);
        if !self.words.count(OUR_OWN, now_ms) {
            self.step(parent, Event::StaleReport { digest, patience });
        } else if self.step(parent, Event::Refused { digest, patience }).call.is_some() {
            self.words.spend(OUR_OWN, now_ms);
        }
    }
}
