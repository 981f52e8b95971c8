//! The cron trigger: looks at all apps in bulk, wakes the Keepers of those that are due.
//!
//! It only wakes: a Keeper decides for itself what is to be done, so a missed, late or doubled run
//! does no harm.

use crate::bindings::Centre;
use crate::keeper::client;
use crate::store::{self, Found};
use crate::{log, platform};
use futures_util::future::join_all;
use serde_json::json;
use std::collections::BTreeMap;
use worker::Env;
use zhongkong_core::app::AppName;
use zhongkong_core::credential::Credential;

/// One run: what is due, or unknown, is woken. Costs one bulk read for each hundred credentials,
/// and one request for each Keeper that is woken.
pub(crate) async fn tick(centre: &Centre, env: &Env) {
    if let Some(fault) = centre.config.fatal().next() {
        log::error("cron_cannot_run", json!({"setting": fault.setting, "detail": fault.to_string()}));
        return;
    }
    let wanted: Vec<(&AppName, Credential)> = centre
        .config
        .ready_apps()
        .flat_map(|ready| ready.app.credentials().map(move |credential| (&ready.app.name, credential)))
        .collect();
    let now = platform::now();
    let headers = store::headers(env, &wanted).await;
    // The apps that are due or unknown, and what of theirs the store does not have.
    let mut due: BTreeMap<&AppName, Vec<Credential>> = BTreeMap::new();
    for ((app, credential), found) in wanted.iter().zip(headers) {
        match found {
            Found::Here(header) if now < header.refresh_at => {}
            Found::Here(_) | Found::Failed => drop(due.entry(app).or_default()),
            Found::Nothing => due.entry(app).or_default().push(*credential),
        }
    }
    let ready = centre.config.ready_apps().filter(|ready| due.contains_key(&ready.app.name));
    let woken = join_all(ready.map(|ready| async {
        let missing = due.get(&ready.app.name).cloned().unwrap_or_default();
        if client::wake(env, ready, missing).await.is_err() {
            log::error("wake_failed", json!({"app": ready.app.name, "by": "cron"}));
        }
        &ready.app.name
    }))
    .await;
    if !woken.is_empty() {
        log::info("cron", json!({"credentials": wanted.len(), "woken": woken}));
    }
}
