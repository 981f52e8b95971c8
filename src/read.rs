//! The read path: this isolate's copy → the store → the Keeper.
//!
//! The hot read does no I/O. A copy past its planned refresh is still served, and wakes the Keeper
//! in passing; a copy that may be wrong is not served, and the Keeper is asked.

use crate::answer::internal;
use crate::call::Call;
use crate::keeper::client;
use crate::store::{self, Found};
use crate::{log, platform};
use futures_util::FutureExt as _;
use std::rc::Rc;
use zhongkong_core::config::ReadyApp;
use zhongkong_core::credential::{Credential, Version};
use zhongkong_core::problem::{Code, Problem, unavailable};
use zhongkong_core::protocol::{Ask, Reply};
use zhongkong_core::record::{Freshness, Record};
use zhongkong_core::shelf::Shelf;
use zhongkong_core::tally::Source;
use zhongkong_core::time::UnixTime;

/// A credential that lives, with `min_ttl_s` seconds left if that can be had.
///
/// # Errors
/// 404 for a ticket that is not kept, 502 where WeChat refuses, 503 where there is none.
pub(crate) async fn live(
    call: &Call,
    ready: &Rc<ReadyApp>,
    credential: Credential,
    min_ttl_s: u64,
) -> Result<Rc<Record>, Problem> {
    kept(ready, credential)?;
    let now_ms = platform::now_millis();
    let app = &ready.app.name;
    let copy = call.centre.shelves.at(app, credential, |shelf| shelf.fresh(now_ms).cloned()).flatten();
    match copy {
        Some(record) if is_enough(&record, ready, now_ms, min_ttl_s) => {
            call.centre.journals.note_read(app, Source::Memory);
            wake_if_due(call, ready, credential, &record, now_ms);
            Ok(record)
        }
        // A box of its own: what the hot read never needs does not make its future larger.
        copy => Box::pin(from_afar(call, ready, credential, min_ttl_s, copy)).await,
    }
}

fn is_trusted(record: &Record, ready: &ReadyApp, now_ms: u64) -> bool {
    record.freshness(UnixTime::from_millis(now_ms), ready.identity) != Freshness::Doubtful
}

fn is_enough(record: &Record, ready: &ReadyApp, now_ms: u64, min_ttl_s: u64) -> bool {
    is_trusted(record, ready, now_ms) && record.expires_in_s(UnixTime::from_millis(now_ms)) >= min_ttl_s
}

/// From the store, or else from the Keeper; from the copy where nobody can be reached.
async fn from_afar(
    call: &Call,
    ready: &Rc<ReadyApp>,
    credential: Credential,
    min_ttl_s: u64,
    copy: Option<Rc<Record>>,
) -> Result<Rc<Record>, Problem> {
    let (shelves, app) = (&call.centre.shelves, &ready.app.name);
    let from = |source| call.centre.journals.note_read(app, source);
    let found = store::find(&call.env, &call.centre, app, credential).await;
    // The store may have taken its time.
    let now_ms = platform::now_millis();
    let (mut stored, shown) = match found {
        Found::Here(record) => {
            let version = record.version;
            let compare = |shelf: &mut Shelf| shelf.compare(record, now_ms).cloned();
            (shelves.at(app, credential, compare).flatten(), Some(version))
        }
        Found::Nothing => (None, Some(Version::NONE)),
        Found::Failed => (None, None),
    };
    if let Some(record) = stored.take_if(|record| is_enough(record, ready, now_ms, min_ttl_s)) {
        from(Source::Store);
        wake_if_due(call, ready, credential, &record, now_ms);
        return Ok(record);
    }
    let asked = ask_keeper(call, ready, credential, Ask::Read { credential, min_ttl_s, shown }).await;
    let now_ms = platform::now_millis();
    let trusted = |record: &Rc<Record>| is_trusted(record, ready, now_ms);
    let stored = stored.filter(trusted).map(|record| (record, Source::Store));
    match (asked, stored.or(copy.filter(trusted).map(|record| (record, Source::Memory)))) {
        (Ok((record, _)), _) => {
            from(Source::Keeper);
            Ok(record)
        }
        // Less than was wished for is better than nothing, while the Keeper cannot be reached.
        (Err(NoAnswer::Unreachable(_)), Some((record, source))) => {
            from(source);
            Ok(record)
        }
        (Err(no_answer), _) => Err(no_answer.into()),
    }
}

/// Why there is no record from the Keeper.
pub(crate) enum NoAnswer {
    /// It has said so.
    Refused(Problem),
    /// It did not answer: nothing may be concluded about the credential.
    Unreachable(Problem),
}

impl From<NoAnswer> for Problem {
    fn from(no_answer: NoAnswer) -> Self {
        match no_answer {
            NoAnswer::Refused(problem) | NoAnswer::Unreachable(problem) => problem,
        }
    }
}

/// Asks the Keeper itself. Also says whether the value was rotated on the way.
pub(crate) async fn ask_keeper(
    call: &Call,
    ready: &ReadyApp,
    credential: Credential,
    ask: Ask,
) -> Result<(Rc<Record>, bool), NoAnswer> {
    kept(ready, credential).map_err(NoAnswer::Refused)?;
    let app = &ready.app.name;
    match client::ask(&call.env, ready, ask).await {
        Ok(Reply::Served { record, rotated }) => {
            let record = Rc::new(record);
            let copy = Rc::clone(&record);
            call.centre.shelves.at(app, credential, |shelf| shelf.put(copy, platform::now_millis()));
            Ok((record, rotated))
        }
        Ok(Reply::Unavailable { version, retry_after_s, failure }) => {
            call.centre.shelves.at(app, credential, |shelf| shelf.bar(version));
            Err(NoAnswer::Refused(unavailable(app, credential, retry_after_s, failure.as_ref())))
        }
        Ok(Reply::Awake | Reply::Resealed { .. } | Reply::Checked { .. } | Reply::Status(_)) => {
            Err(NoAnswer::Unreachable(internal("a Keeper answered another question")))
        }
        Err(error) => {
            log::warn("keeper_unreachable", &[("app", &app), ("detail", &error.to_string())]);
            Err(NoAnswer::Unreachable(unavailable(app, credential, 2, None)))
        }
    }
}

fn kept(ready: &ReadyApp, credential: Credential) -> Result<(), Problem> {
    if ready.app.credentials().any(|kept| kept == credential) {
        return Ok(());
    }
    let detail =
        format!("No {credential} ticket is kept for app {0}: add it to APPS.{0}.tickets.", ready.app.name);
    Err(Problem::new(Code::NotFound, detail))
}

/// A reader who sees that a refresh is due starts it, and does not wait for it.
fn wake_if_due(call: &Call, ready: &Rc<ReadyApp>, credential: Credential, record: &Record, now_ms: u64) {
    let app = &ready.app.name;
    let due = record.freshness(UnixTime::from_millis(now_ms), ready.identity) == Freshness::Due;
    if due && call.centre.shelves.at(app, credential, |shelf| shelf.should_wake(now_ms)) == Some(true) {
        let (env, ready) = (call.env.clone(), Rc::clone(ready));
        let later = async move {
            if client::wake(&env, &ready, Vec::new()).await.is_err() {
                log::warn("wake_failed", &[("app", &ready.app.name), ("by", &"reader")]);
            }
        };
        call.context.wait_until(later.boxed_local());
    }
}
