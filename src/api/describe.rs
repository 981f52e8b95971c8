//! An app as its status shows it: for people, in both languages, and without a value.

use crate::keeper::wire::Report;
use litemap::LiteMap;
use serde_json::{Map, Value, json};
use zhongkong_core::alert::{Incident, Open};
use zhongkong_core::config::ReadyApp;
use zhongkong_core::credential::Credential;
use zhongkong_core::engine::{Count, Outsider, Revoke, Rules, Status, Trouble};
use zhongkong_core::language::Language::{En, Zh};
use zhongkong_core::wechat::Failure;
use zhongkong_core::wechat::errcode::Endpoint;

/// An app whose settings are sound.
pub(super) fn ready_app(ready: &ReadyApp, report: &Report) -> Value {
    let app = &ready.app;
    // The worst of its credentials.
    let state = ["down", "retrying", "empty"]
        .into_iter()
        .find(|state| report.credentials.values().any(|status| status.state == *state))
        .unwrap_or("ok");
    let mut credentials = Map::new();
    for (credential, status) in report.credentials.iter() {
        let described = credential_of(*credential, status, Rules::of(app, *credential));
        credentials.insert(credential.name().to_owned(), described);
    }
    json!({
        "app": app.name,
        "appid": app.appid,
        "platform": app.platform.name(),
        "token_api": app.token_api.name(),
        "state": state,
        "credentials": credentials,
        "incidents": incidents(&report.incidents),
        "alerts_waiting": report.alerts_waiting,
    })
}

/// Those that go on.
pub(super) fn incidents(open: &LiteMap<Incident, Open>) -> Vec<Value> {
    let shown = |(incident, open): (&Incident, &Open)| json!({"incident": incident, "since": open.since, "told": open.told});
    open.iter().map(shown).collect()
}

fn credential_of(credential: Credential, status: &Status, rules: Rules) -> Value {
    let outsider = status.outsider.map(|outsider| {
        json!({
            "count": outsider.count,
            "first_at": outsider.first_at,
            "last_at": outsider.last_at,
            "detail": Outsider::advice(rules, En),
            "detail_zh": Outsider::advice(rules, Zh),
        })
    });
    let mut shown = json!({
        "state": status.state,
        "version": status.version,
        "expires_in": status.expires_in,
        "expires_at": status.expires_at,
        "age_known": status.age_known,
        "rotated_at": status.rotated_at,
        "next_refresh_at": status.next_refresh_at,
        "last_success_at": status.last_success_at,
        "trouble": status.trouble.as_ref().map(|trouble| trouble_of(credential, trouble)),
        "calls_today": calls_today(status, rules),
    });
    if let (Credential::AccessToken, Some(shown)) = (credential, shown.as_object_mut()) {
        shown.insert("killed_outside".to_owned(), json!(outsider));
        shown.insert("revoke".to_owned(), revoke(status));
    }
    shown
}

fn trouble_of(credential: Credential, trouble: &Trouble) -> Value {
    let (failure, endpoint) = (&trouble.failure, Endpoint::of(credential));
    let ip = match failure {
        Failure::Refused(refusal) => refusal.ip,
        _ => None,
    };
    json!({
        "errcode": failure.errcode(),
        "class": failure.class(endpoint).name(),
        "ip": ip,
        "detail": failure.advice(endpoint, En),
        "detail_zh": failure.advice(endpoint, Zh),
        "failures": trouble.count,
        "since": trouble.since,
        "retry_at": trouble.retry_at,
    })
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
            "detail": failure.advice(Endpoint::Token, En),
            "detail_zh": failure.advice(Endpoint::Token, Zh),
            "failures": count,
            "retry_at": retry_at,
        })),
        "next_at": status.revoke_next_at,
        "finished_at": revoke.finished_at,
        "detail": Revoke::advice(En),
        "detail_zh": Revoke::advice(Zh),
    })
}
