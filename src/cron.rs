//! The cron trigger: asks the scheduler which apps are due, and wakes their Keepers.
//!
//! It only wakes: a Keeper decides for itself what is to be done, so a missed, late or doubled run
//! does no harm. When the scheduler does not answer, the store is looked at instead.

use crate::bindings::Centre;
use crate::client;
use crate::store::{self, Found};
use crate::{history, log, platform};
use futures_util::future::{join, join_all};
use serde_json::json;
use std::collections::BTreeMap;
use std::rc::Rc;
use worker::Env;
use zhongkong_core::app::AppName;
use zhongkong_core::config::{AppEntry, ReadyApp};
use zhongkong_core::credential::{Credential, Version};
use zhongkong_core::protocol::{MOST_A_TICK, SchedulerAsk, SchedulerReply};
use zhongkong_core::time::UnixTime;

/// The apps that are due, with what the store showed of them where it was looked at.
type Due = BTreeMap<AppName, Vec<(Credential, Version)>>;

/// A Keeper that could not be woken is tried again after this.
const AFTER_FAILURE_S: u64 = 180;

/// One run: one question to the scheduler, and one to each Keeper that is due.
pub(crate) async fn tick(centre: &Centre, env: &Env) {
    if let Some(fault) = centre.config.fatal().next() {
        log::error("cron_cannot_run", json!({"setting": fault.setting, "detail": fault.to_string()}));
        // It tells whoever is to be told. Without KEEPER there is nobody who could.
        drop(client::ask_scheduler(env, &SchedulerAsk::Broken { now: platform::now() }).await);
        return;
    }
    let now = platform::now();
    let (due, is_new) = match by_scheduler(centre, env, now).await {
        Ok(due) => due,
        Err(error) => {
            log::warn("scheduler_unreachable", json!({"by": "cron", "detail": error.to_string()}));
            (by_store(centre, env, now).await, false)
        }
    };
    let (mut woken, mut unknown) = (Vec::new(), Vec::new());
    for (app, shown) in due {
        match centre.config.apps.get(&app) {
            Some(AppEntry::Ready(ready)) => woken.push((Rc::clone(ready), shown)),
            _ => unknown.push(app),
        }
    }
    let names: Vec<AppName> = woken.iter().map(|(ready, _)| ready.app.name.clone()).collect();
    let waking = join_all(woken.into_iter().map(|(ready, shown)| wake(env, ready, shown)));
    let telling = async {
        if is_new {
            history::tell_faults(centre, env, now).await;
        }
    };
    let (failed, ()) = join(waking, telling).await;
    if !names.is_empty() {
        log::info("cron", json!({"woken": names}));
    }
    // Those who fail must not stand in the way of the others.
    let failed: Vec<AppName> = failed.into_iter().flatten().collect();
    if !failed.is_empty() {
        let postpone = SchedulerAsk::Postpone { apps: failed, until: now.plus(AFTER_FAILURE_S) };
        drop(client::ask_scheduler(env, &postpone).await);
    }
    // An app that comes back into the configuration is registered anew.
    let forget = SchedulerAsk::Forget { apps: unknown.clone() };
    if !unknown.is_empty() && client::ask_scheduler(env, &forget).await.is_ok() {
        log::info("scheduler_forgets", json!({"apps": unknown}));
    }
}

/// Wakes one; gives back its name when that failed.
async fn wake(env: &Env, ready: Rc<ReadyApp>, shown: Vec<(Credential, Version)>) -> Option<AppName> {
    let failed = client::wake(env, &ready, shown).await.is_err();
    if failed {
        log::warn("wake_failed", json!({"app": ready.app.name, "by": "cron"}));
    }
    failed.then(|| ready.app.name.clone())
}

/// Who is due; and whether the scheduler has seen this configuration for the first time.
async fn by_scheduler(centre: &Centre, env: &Env, now: UnixTime) -> worker::Result<(Due, bool)> {
    let configured = centre.config.fingerprint.clone();
    let mut reply =
        client::ask_scheduler(env, &SchedulerAsk::Due { configured: configured.clone(), now }).await?;
    let is_new = matches!(reply, SchedulerReply::Unknown);
    if is_new {
        let apps = centre.config.ready_apps();
        let apps = apps.map(|ready| (ready.app.name.clone(), ready.identity.fingerprint())).collect();
        reply = client::ask_scheduler(env, &SchedulerAsk::Register { configured, apps, now }).await?;
    }
    match reply {
        SchedulerReply::Due(apps) => Ok((apps.into_iter().map(|app| (app, Vec::new())).collect(), is_new)),
        _ => Err(worker::Error::RustError("the scheduler answered another question".to_owned())),
    }
}

/// What is due, or unknown, by the records in the store: costs what exists.
async fn by_store(centre: &Centre, env: &Env, now: UnixTime) -> Due {
    let wanted: Vec<(&AppName, Credential)> = centre
        .config
        .ready_apps()
        .flat_map(|ready| ready.app.credentials().map(move |credential| (&ready.app.name, credential)))
        .collect();
    let mut due = Due::new();
    for ((app, credential), found) in wanted.iter().zip(store::headers(env, centre, &wanted).await) {
        match found {
            Found::Here(header) if now < header.refresh_at => {}
            Found::Here(header) => due.entry((*app).clone()).or_default().push((*credential, header.version)),
            Found::Nothing | Found::Spoilt => {
                due.entry((*app).clone()).or_default().push((*credential, Version::NONE));
            }
            Found::Failed => drop(due.entry((*app).clone()).or_default()),
        }
    }
    // With too many for one tick, another part of them comes first each minute.
    let most = usize::try_from(MOST_A_TICK).unwrap_or(usize::MAX);
    let first = usize::try_from(now.as_secs() / 60).unwrap_or(0).wrapping_mul(most) % due.len().max(1);
    let (head, tail): (Vec<_>, Vec<_>) = due.into_iter().enumerate().partition(|(nth, _)| *nth < first);
    tail.into_iter().chain(head).take(most).map(|(_, entry)| entry).collect()
}
