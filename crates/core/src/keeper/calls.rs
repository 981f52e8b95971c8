//! Calls to the provider that are under way, each at most once for a credential: to which host they go, which token
//! they carry, and what the reply means.

use super::effect::Announcement;
use super::machine::Machine;
use crate::app::TokenApi;
use crate::credential::{Credential, Value};
use crate::engine::{Answer, Call, CallId, Event, Patience};
use crate::wechat::errcode::{Class, Endpoint};
use crate::wechat::reply::Reading;
use crate::wechat::{ApiRequest, Failure, Verdict};
use std::ops::Range;
use std::rc::Rc;

const TOKEN: Credential = Credential::AccessToken;

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
    /// Nothing was sent yet, because the token that goes along is on its way.
    waits_for_token: bool,
    /// The status of the last answer that was no reply of the provider.
    garbled: Option<u16>,
    /// What the request carries.
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
            waits_for_token: false,
            garbled: None,
            carries: None,
        }
    }
}

impl Machine {
    /// A flight that can be sent now.
    pub(super) fn ready_to_send(&self) -> Option<Credential> {
        let token_comes = self.calls.contains_key(&TOKEN);
        let ready = |flight: &Flight| flight.request.is_none() && !(flight.waits_for_token && token_comes);
        self.calls.iter().find(|(_, flight)| ready(flight)).map(|(credential, _)| *credential)
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

    /// What is sent; `None` where the call has to wait for a token, or has ended without one.
    fn request(&mut self, credential: Credential, kind: Call) -> Option<(ApiRequest, Option<Value>)> {
        if !kind.fetches() {
            let Some(value) = self.slot(credential).held_value().cloned() else {
                self.end(credential, Reading::Probed(Verdict::Unclear));
                return None;
            };
            return Some((ApiRequest::probe(&value), Some(value)));
        }
        let Credential::Ticket(ticket) = credential else {
            return Some((ApiRequest::token(&self.setup.ready.app, kind == Call::ForcedRefresh), None));
        };
        match self.step(TOKEN, Event::Read { min_ttl_s: 0, patience: Patience::Left }).answer {
            Some(Answer::Serve(record)) => {
                Some((ApiRequest::ticket(ticket, &record.value), Some(record.value)))
            }
            Some(Answer::Wait) if self.calls.contains_key(&TOKEN) => {
                let flight = self.calls.get_mut(&credential)?;
                flight.waits_for_token = true;
                None
            }
            _ => {
                self.end(credential, Reading::Failed(Failure::NoToken));
                None
            }
        }
    }

    /// The hosts that a call may go to, one after the other. For the plain API a second one would be a second rotation,
    /// so while there is a token to lose it is one host an attempt: the one that has just answered a knock, else the
    /// next one each time.
    fn hosts(&mut self, credential: Credential, kind: Call) -> Range<usize> {
        let count = self.setup.ready.app.api_hosts.len();
        let knocked = self.knocked_at.take();
        let plain = matches!(self.setup.ready.app.token_api, TokenApi::Plain { .. });
        let slot = self.slot(credential);
        if credential != TOKEN || !kind.fetches() || !plain || !slot.has_something_to_lose(self.now()) {
            return 0..count;
        }
        let failures = usize::try_from(slot.failures()).unwrap_or(0);
        let host = knocked.unwrap_or(failures) % count.max(1);
        host..(host + 1).min(count)
    }

    fn send_to_next_host(&mut self, credential: Credential) {
        let Some(flight) = self.calls.get_mut(&credential) else { return };
        let (Some(host), Some(request)) = (flight.hosts.next(), &flight.request) else {
            let reading = Reading::of_no_reply(flight.kind.fetches(), flight.garbled);
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
            if let Some(reading) = Reading::of(credential, flight.kind.fetches(), body) {
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
                let dead = failure.class(Endpoint::of(credential)) == Class::DeadToken;
                if let (true, Some(token)) = (dead, carries) {
                    // The token is probed before anything is done about it; the ticket is tried again soon.
                    let report = Event::StaleReport { digest: token.digest(), patience: Patience::Spent };
                    self.step(TOKEN, report);
                }
                Event::Failed { call, failure }
            }
            Reading::Probed(verdict) => Event::Probed { call, verdict },
        };
        self.step(credential, event);
    }
}
