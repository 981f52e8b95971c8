//! The fast path: requests that can be answered from memory, at once and without I/O. It answers exactly what the
//! ordinary path would have answered, or declines; deleting it would change nothing but speed.
//!
//! Everything is looked at before anything is changed, so that a request which is declined has left no trace and is
//! counted once. It declines what needs I/O or more than the head of a request: refusals, a copy that is missing
//! or stale, a Keeper that is to be woken, lines of the audit that have to be sent, rate limits, keys that stand in
//! pages, a read that counts as a report.

use super::MAX_URL_BYTES;
use super::admit::{Admission, Granted, admit, ready};
use super::bodies::{self, Surface, signable};
use super::head::Head;
use super::parameters::{min_ttl_s, page_url};
use super::route::Route;
use crate::access::{Caller, Scope};
use crate::audit::{Asked, Outcome};
use crate::config::{Config, ReadyApp};
use crate::credential::{Credential, TicketType};
use crate::facade::admit::{ByKey, TOKEN_SCOPES, app_and_key, by_key};
use crate::facade::{Fields, Target};
use crate::history::Action;
use crate::memory::Memory;
use crate::record::Record;
use crate::signature::{NONCE_CHARS, nonce};
use crate::tally::Source;
use crate::time::UnixTime;
use std::rc::Rc;

/// What is answered: always with status 200, as JSON.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A credential: the same body for all who ask within the second ([`bodies::credential`]).
    Credential(Surface, Rc<ReadyApp>, Credential, Rc<Record>),
    /// A body of its own.
    Body(String),
}

/// Answers a request, or declines it. `random` gives the bytes of a nonce.
pub fn answer(
    config: &Config,
    memory: &mut Memory,
    head: &Head<'_>,
    now_ms: u64,
    random: impl FnOnce() -> [u8; NONCE_CHARS],
) -> Option<Answer> {
    if head.method != "GET" || !config.hosts.serve(head.url) {
        return None;
    }
    let path = head.path();
    if path.starts_with("/v1/") {
        return native(config, memory, head, now_ms, random);
    }
    let target = Target::of_request(path, head.query());
    if target == Some(Target::Token) { facade(config, memory, head, now_ms) } else { None }
}

fn native(
    config: &Config,
    memory: &mut Memory,
    head: &Head<'_>,
    now_ms: u64,
    random: impl FnOnce() -> [u8; NONCE_CHARS],
) -> Option<Answer> {
    // A key that stands in a page is refused without an Origin, and so declined.
    let Ok(Admission::Granted(Granted { caller, route, app: Some(app) })) = admit(config, head, || None)
    else {
        return None;
    };
    let ready = ready(config, app).ok()?;
    let served = Served { config, head, caller, ready, now_ms };
    match route {
        Route::Read(_, credential) => {
            let record = served.peek(memory, credential, min_ttl_s(head.query()).ok()?, Action::Read)?;
            served.commit(memory, Action::Read, credential, &record);
            Some(Answer::Credential(Surface::Native, Rc::clone(ready), credential, record))
        }
        // Where a key stands in some page, the answer may need headers for a browser.
        Route::Signature(_) if !config.callers.have_pages() => {
            let url = page_url(head.query()).ok()?;
            let page = signable(&ready.app, &url).ok()?;
            let credential = Credential::Ticket(TicketType::Jsapi);
            let ticket = served.peek(memory, credential, 0, Action::Sign)?;
            served.commit(memory, Action::Sign, credential, &ticket);
            let timestamp = UnixTime::from_millis(now_ms).as_secs();
            let body = bodies::signature(&ready.app, &ticket, &page, timestamp, &nonce(random()));
            Some(Answer::Body(body))
        }
        _ => None,
    }
}

/// `GET /cgi-bin/token` by a caller who may have the real token.
fn facade(config: &Config, memory: &mut Memory, head: &Head<'_>, now_ms: u64) -> Option<Answer> {
    if head.url.len() > MAX_URL_BYTES {
        return None;
    }
    let fields = Fields::read(head.query().unwrap_or_default(), b"").ok()?;
    let (appid, key) = app_and_key(&fields).ok()?;
    let ByKey { caller, app, ready } = by_key(config, key, appid, &TOKEN_SCOPES, head.ip)?;
    let (app, ready) = (app?, ready.ok()?);
    if !caller.scopes.contains(&Scope::Token) {
        return None;
    }
    let served = Served { config, head, caller, ready, now_ms };
    let credential = Credential::AccessToken;
    let record = served.peek(memory, credential, 0, Action::Read)?;
    if memory.repeat_reads.is_report(&caller.name, app, record.version, now_ms) {
        return None;
    }
    served.commit(memory, Action::Read, credential, &record);
    memory.repeat_reads.note(&caller.name, app, record.version, now_ms);
    memory.handed_out(app, &record, now_ms);
    Some(Answer::Credential(Surface::Facade, Rc::clone(ready), credential, record))
}

/// A request that may be served, by whom and for which app.
struct Served<'a> {
    config: &'a Config,
    head: &'a Head<'a>,
    caller: &'a Caller,
    ready: &'a Rc<ReadyApp>,
    now_ms: u64,
}

impl Served<'_> {
    /// The copy that can be served with nothing else to be done.
    fn peek(
        &self,
        memory: &Memory,
        credential: Credential,
        min_ttl_s: u64,
        action: Action,
    ) -> Option<Rc<Record>> {
        if !self.ready.app.credentials().any(|kept| kept == credential) {
            return None;
        }
        let hit = memory.peek(self.ready, credential, min_ttl_s, self.now_ms).filter(|hit| !hit.wake)?;
        let is_quiet = memory.audit.is_quiet(self.config, action, &self.ready.app.name, self.now_ms);
        is_quiet.then_some(hit.record)
    }

    /// Counts it, as the ordinary path does. Looked at before: no Keeper is to be woken, and no sending to be started.
    fn commit(&self, memory: &mut Memory, action: Action, credential: Credential, record: &Record) {
        memory.audit.note_read(&self.ready.app.name, Source::Memory);
        let asked = Asked { action, credential: Some(credential), app: Some(self.ready.app.name.as_str()) };
        let outcome = Outcome::of_version(record.version);
        let (caller, ip) = (Some(self.caller.name.as_str()), self.head.ip);
        memory.audit.note(self.config, &asked, caller, ip, &outcome, self.now_ms);
    }
}

#[cfg(test)]
mod tests;
