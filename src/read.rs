//! The read path: this isolate's copy → the store → the Keeper.
//!
//! A copy past its planned refresh is still served, and wakes the Keeper in passing; a copy that may be wrong is not
//! served, and the Keeper is asked.

use crate::answer::internal;
use crate::client;
use crate::context::RequestContext;
use crate::store::{self, Found};
use crate::{log, platform};
use serde_json::json;
use std::rc::Rc;
use zhongkong_core::app::AppName;
use zhongkong_core::config::ReadyApp;
use zhongkong_core::credential::{Credential, Version};
use zhongkong_core::memory::{Hit, Memory, is_enough, is_trusted};
use zhongkong_core::problem::{Code, Problem, unavailable};
use zhongkong_core::protocol::{Ask, Reply};
use zhongkong_core::record::Record;
use zhongkong_core::tally::Source;

/// A credential that lives, with `min_ttl_s` seconds left if that can be had.
///
/// # Errors
/// 404 for a ticket that is not kept, 502 where WeChat refuses, 503 where there is none.
pub(crate) async fn live(
    request: &RequestContext,
    ready: &Rc<ReadyApp>,
    credential: Credential,
    min_ttl_s: u64,
) -> Result<Rc<Record>, Problem> {
    kept(ready, credential)?;
    let hit = request.centre.memory.borrow_mut().read(ready, credential, min_ttl_s, platform::now_millis());
    match hit {
        Some(Hit { record, wake }) => {
            if wake {
                wake_keeper(request, ready);
            }
            Ok(record)
        }
        None => load_through(request, ready, credential, min_ttl_s).await,
    }
}

/// From the store, or else from the Keeper; from the copy where nobody can be reached.
async fn load_through(
    request: &RequestContext,
    ready: &Rc<ReadyApp>,
    credential: Credential,
    min_ttl_s: u64,
) -> Result<Rc<Record>, Problem> {
    let (memory, app) = (&request.centre.memory, &ready.app.name);
    let from = |source| memory.borrow_mut().audit.note_read(app, source);
    let copy = memory
        .borrow()
        .cache
        .get(app, credential)
        .and_then(|entry| entry.fresh(platform::now_millis()).cloned());
    let found = store::find(&request.env, &request.centre, app, credential).await;
    // The store may have taken its time.
    let now_ms = platform::now_millis();
    let (mut stored, shown) = match found {
        Found::Here(record) => {
            let version = record.version;
            let mut memory = memory.borrow_mut();
            let record = memory.cache.entry(app, credential).reconcile(record, now_ms).cloned();
            let ours = |record: &&Rc<Record>| {
                credential == Credential::AccessToken && record.identity == ready.identity
            };
            if let Some(record) = record.as_ref().filter(ours) {
                memory.handed_out(app, record, now_ms);
            }
            (record, Some(version))
        }
        Found::Nothing | Found::Spoilt => (None, Some(Version::NONE)),
        Found::Failed => (None, None),
    };
    if let Some(record) = stored.take_if(|record| is_enough(record, ready, min_ttl_s, now_ms)) {
        from(Source::Store);
        if memory.borrow_mut().should_wake(ready, credential, &record, now_ms) {
            wake_keeper(request, ready);
        }
        return Ok(record);
    }
    let asked = ask_keeper(request, ready, credential, Ask::Read { credential, min_ttl_s, shown }).await;
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
    request: &RequestContext,
    ready: &ReadyApp,
    credential: Credential,
    ask: Ask,
) -> Result<(Rc<Record>, bool), NoAnswer> {
    kept(ready, credential).map_err(NoAnswer::Refused)?;
    let (memory, app) = (&request.centre.memory, &ready.app.name);
    match client::ask(&request.env, ready, ask).await {
        Ok(Reply::Served { record, rotated }) => {
            let record = Rc::new(record);
            let copy = Rc::clone(&record);
            keep(&mut memory.borrow_mut(), app, credential, copy);
            Ok((record, rotated))
        }
        Ok(Reply::Unavailable { version, retry_after_s, failure }) => {
            memory.borrow_mut().cache.entry(app, credential).invalidate_up_to(version);
            Err(NoAnswer::Refused(unavailable(&ready.app, credential, retry_after_s, failure.as_ref())))
        }
        Ok(Reply::Awake | Reply::Resealed { .. } | Reply::Checked { .. } | Reply::Status(_)) => {
            Err(NoAnswer::Unreachable(internal("a Keeper answered another question")))
        }
        Err(error) => {
            log::warn("keeper_unreachable", json!({"app": app, "detail": error.to_string()}));
            Err(NoAnswer::Unreachable(unavailable(&ready.app, credential, 2, None)))
        }
    }
}

/// Keeps a copy. A token may be shown at the façade within a moment: it is known then.
fn keep(memory: &mut Memory, app: &AppName, credential: Credential, record: Rc<Record>) {
    let now_ms = platform::now_millis();
    if credential == Credential::AccessToken {
        memory.handed_out(app, &record, now_ms);
    }
    memory.cache.entry(app, credential).put(record, now_ms);
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
fn wake_keeper(request: &RequestContext, ready: &Rc<ReadyApp>) {
    let (env, ready) = (request.env.clone(), Rc::clone(ready));
    request.context.wait_until(async move {
        if client::wake(&env, &ready, Vec::new()).await.is_err() {
            log::warn("wake_failed", json!({"app": ready.app.name, "by": "reader"}));
        }
    });
}
