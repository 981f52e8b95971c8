//! What an isolate remembers between requests: plain data, since a future of another request must not be awaited.

use crate::app::AppName;
use crate::audit::AuditBuffers;
use crate::cache::CredentialCache;
use crate::config::ReadyApp;
use crate::credential::Credential;
use crate::digest::Sha256Digest;
use crate::facade::{AskedAgain, Holder, Holders};
use crate::providers::wechat::reply::MAX_LIFE_S;
use crate::record::{Freshness, Record};
use crate::tally::Source;
use crate::time::UnixTime;
use std::rc::Rc;

/// The memory of an isolate.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// Copies of credentials.
    pub cache: CredentialCache,
    /// What callers have done, until it is sent.
    pub audit: AuditBuffers,
    /// Whose real tokens are, as far as this isolate has heard.
    pub token_owners: Holders,
    /// Who has asked for which token a moment ago.
    pub repeat_reads: AskedAgain,
}

/// A copy that may be served.
#[derive(Clone, Debug)]
pub struct Hit {
    /// The copy.
    pub record: Rc<Record>,
    /// It should have been replaced by now: the Keeper is to be woken.
    pub wake: bool,
}

impl Memory {
    /// Of a centre with this many apps.
    pub fn of_apps(apps: usize) -> Self {
        Self { token_owners: Holders::of_apps(apps), ..Self::default() }
    }

    /// Whose real token this is, sent from this address block. A token that is still this isolate's own copy is known
    /// without a question.
    pub fn token_owner(&mut self, token: &Sha256Digest, block: &str, now_ms: u64) -> Holder {
        let found = self.token_owners.find(token, block, now_ms);
        let Some(app) = self.token_owners.last_known(token).filter(|_| found == Holder::Ask).cloned() else {
            return found;
        };
        let copy = self.cache.get(&app, Credential::AccessToken).and_then(|entry| entry.fresh(now_ms));
        if copy.is_none_or(|record| record.value.digest() != *token) {
            return found;
        }
        self.token_owners.learn(token, Some(app.clone()), now_ms);
        Holder::Of(app)
    }

    /// The copy of a credential that may be served with `min_ttl_s` seconds left, if there is one. Nothing is changed.
    pub fn peek(&self, ready: &ReadyApp, credential: Credential, min_ttl_s: u64, now_ms: u64) -> Option<Hit> {
        let entry = self.cache.get(&ready.app.name, credential)?;
        let record = entry.fresh(now_ms).filter(|record| is_enough(record, ready, min_ttl_s, now_ms))?;
        let wake = is_due(record, ready, now_ms) && entry.may_wake(now_ms);
        Some(Hit { record: Rc::clone(record), wake })
    }

    /// The same, served: the read is counted, and a Keeper that is to be woken is the caller's to wake.
    pub fn read(
        &mut self,
        ready: &ReadyApp,
        credential: Credential,
        min_ttl_s: u64,
        now_ms: u64,
    ) -> Option<Hit> {
        let hit = self.peek(ready, credential, min_ttl_s, now_ms)?;
        self.audit.note_read(&ready.app.name, Source::Memory);
        if hit.wake {
            self.cache.entry(&ready.app.name, credential).wakes(now_ms);
        }
        Some(hit)
    }

    /// Whether the Keeper is to be woken because of a record that was served from elsewhere. Says yes once in a few seconds.
    pub fn should_wake(
        &mut self,
        ready: &ReadyApp,
        credential: Credential,
        record: &Record,
        now_ms: u64,
    ) -> bool {
        let entry = self.cache.entry(&ready.app.name, credential);
        let wake = is_due(record, ready, now_ms) && entry.may_wake(now_ms);
        if wake {
            entry.wakes(now_ms);
        }
        wake
    }

    /// Remembers whose a token is that was just handed out: it may be shown here within a moment.
    pub fn handed_out(&mut self, app: &AppName, record: &Record, now_ms: u64) {
        self.token_owners.learn(&record.value.digest(), Some(app.clone()), now_ms);
    }
}

/// A copy that would live this much longer than any value does comes from a clock that is ahead, in seconds.
const CLOCKS_APART_S: u64 = 120;

/// Whether a copy may be served at all.
pub fn is_trusted(record: &Record, ready: &ReadyApp, now_ms: u64) -> bool {
    let now = UnixTime::from_millis(now_ms);
    let is_possible = record.expires_in_s(now) <= MAX_LIFE_S + CLOCKS_APART_S;
    is_possible && record.freshness(now, ready.identity) != Freshness::Doubtful
}

/// Whether a copy may be served, with at least `min_ttl_s` seconds left.
pub fn is_enough(record: &Record, ready: &ReadyApp, min_ttl_s: u64, now_ms: u64) -> bool {
    is_trusted(record, ready, now_ms) && record.expires_in_s(UnixTime::from_millis(now_ms)) >= min_ttl_s
}

fn is_due(record: &Record, ready: &ReadyApp, now_ms: u64) -> bool {
    record.freshness(UnixTime::from_millis(now_ms), ready.identity) == Freshness::Due
}
