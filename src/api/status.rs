//! `GET /v1/apps` and `GET /v1/apps/{app}`: how everything is, without a value.

use super::input;
use crate::answer::{self, Outcome};
use crate::call::Call;
use crate::keeper::client;
use crate::keeper::wire::{Ask, Reply};
use crate::{log, platform};
use futures_util::future::join_all;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::ops::Bound;
use zhongkong_core::access::{AllowedApps, Caller};
use zhongkong_core::app::AppName;
use zhongkong_core::config::{AppEntry, Fault, Place, ReadyApp};
use zhongkong_core::credential::Credential;
use zhongkong_core::engine::{Count, Outsider, Revoke, Rules, Status};
use zhongkong_core::wechat::errcode::Endpoint;

/// Each app costs a question to its Keeper, so that they come in pages of so many.
const PAGE: usize = 40;

/// The apps that the caller may see, a page of them by name, and the faults of the configuration that
/// concern it.
///
/// 1. `after` is a name of an app, or absent (400).
/// 2. Each app is described; `next` says where the next page begins.
pub(crate) async fn all(url: &str, call: &Call, caller: &Caller) -> Outcome {
    let hint = "It is the \"next\" of the page before.";
    let after = match input::only_parameter(url, "after", hint)? {
        None => None,
        Some(name) => Some(
            AppName::parse(&name)
                .ok_or_else(|| input::invalid(format!("after is not understood. {hint}")))?,
        ),
    };
    let config = &call.centre.config;
    let after = after.map_or(Bound::Unbounded, Bound::Excluded);
    let names = config.apps.range((after, Bound::Unbounded)).map(|(name, _)| name);
    let mut names = names.filter(|name| caller.apps.includes(name));
    let page: Vec<&AppName> = names.by_ref().take(PAGE).collect();
    let next = page.last().filter(|_| names.next().is_some());
    let apps = join_all(page.iter().map(|name| describe(call, name))).await;
    let faults: Vec<String> =
        config.faults.iter().filter(|fault| concerns(caller, fault)).map(ToString::to_string).collect();
    answer::ok(&json!({"apps": apps, "next": next, "faults": faults, "now": platform::now()}))
}

/// One app.
pub(crate) async fn one(call: &Call, app: &AppName) -> Outcome {
    answer::ok(&describe(call, app).await)
}

/// Faults of an app concern those who may use it; all others concern those who may use all.
fn concerns(caller: &Caller, fault: &Fault) -> bool {
    match &fault.place {
        Place::App(app) => caller.apps.includes(app),
        Place::Centre => true,
        Place::Caller | Place::Entry => caller.apps == AllowedApps::All,
    }
}

async fn describe(call: &Call, name: &AppName) -> Value {
    match call.centre.config.apps.get(name) {
        Some(AppEntry::Ready(ready)) if call.centre.config.fatal().next().is_none() => {
            match client::ask(&call.env, ready, Ask::Status).await {
                Ok(Reply::Status(credentials)) => ready_app(ready, &credentials),
                _ => {
                    log::error("keeper_unreachable", json!({"app": name}));
                    json!({"app": name, "appid": ready.app.appid, "state": "unknown",
                           "detail": "The Keeper did not answer; ask again in a few seconds."})
                }
            }
        }
        Some(AppEntry::Faulty(faults)) => faulty(name, faults.iter()),
        _ => faulty(name, call.centre.config.fatal()),
    }
}

fn faulty<'a>(name: &AppName, faults: impl Iterator<Item = &'a Fault>) -> Value {
    json!({"app": name, "state": "misconfigured", "faults": faults.map(ToString::to_string).collect::<Vec<_>>()})
}

fn ready_app(ready: &ReadyApp, credentials: &BTreeMap<Credential, Status>) -> Value {
    let app = &ready.app;
    // The worst of its credentials.
    let state = ["down", "retrying", "empty"]
        .into_iter()
        .find(|state| credentials.values().any(|status| status.state == *state))
        .unwrap_or("ok");
    let shown: Map<String, Value> = credentials
        .iter()
        .map(|(credential, status)| {
            let rules = Rules::of(app, *credential);
            (credential.name().to_owned(), shown(*credential, status, rules))
        })
        .collect();
    json!({"app": app.name, "appid": app.appid, "token_api": app.token_api.name(), "state": state, "credentials": shown})
}

fn shown(credential: Credential, status: &Status, rules: Rules) -> Value {
    let trouble = status.trouble.as_ref().map(|trouble| {
        json!({
            "errcode": trouble.failure.errcode(),
            "detail": trouble.failure.advice(Endpoint::of(credential)),
            "failures": trouble.count,
            "since": trouble.since,
            "retry_at": trouble.retry_at,
        })
    });
    let outsider = status.outsider.map(|outsider| {
        json!({
            "count": outsider.count,
            "first_at": outsider.first_at,
            "last_at": outsider.last_at,
            "detail": Outsider::advice(rules),
        })
    });
    let mut shown = json!({
        "state": status.state,
        "version": status.version,
        "expires_in": status.expires_in,
        "expires_at": status.expires_at,
        "age_known": status.age_known,
        "next_refresh_at": status.next_refresh_at,
        "last_success_at": status.last_success_at,
        "trouble": trouble,
        "calls_today": calls_today(status, rules),
    });
    if let (Credential::AccessToken, Some(shown)) = (credential, shown.as_object_mut()) {
        shown.insert("killed_outside".to_owned(), json!(outsider));
        shown.insert("revoke".to_owned(), revoke(status));
    }
    shown
}

/// The ledger: what was asked of WeChat since midnight in Beijing.
fn calls_today(status: &Status, rules: Rules) -> Value {
    let count = |count: Count| json!({"used": count.used, "limit": count.limit});
    let calls = &status.calls;
    let refreshes =
        json!({"used": calls.refreshes.used, "limit": calls.refreshes.limit, "reserve": calls.reserve});
    if rules == Rules::Ticket {
        return json!({"refreshes": refreshes, "until": calls.until});
    }
    json!({
        "refreshes": refreshes,
        "forced": count(calls.forced),
        "probes": count(calls.probes),
        "until": calls.until,
    })
}

/// How the newest revocation stands; null when there was none.
pub(super) fn revoke(status: &Status) -> Value {
    let Some(revoke) = &status.revoke else { return Value::Null };
    let goes_on = revoke.goes_on();
    json!({
        "state": if goes_on { "going_on" } else { "done" },
        "requested_at": revoke.requested_at,
        "covers_version": revoke.covers,
        "forced_refreshes_left": revoke.left,
        "trouble": revoke.failure.as_ref().map(|(failure, count, retry_at)| json!({
            "errcode": failure.errcode(),
            "detail": failure.advice(Endpoint::Token),
            "failures": count,
            "retry_at": retry_at,
        })),
        "next_at": status.revoke_next_at,
        "finished_at": revoke.finished_at,
        "detail": Revoke::ADVICE,
    })
}
