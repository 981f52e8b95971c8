//! An app as its status shows it: for people, in both languages, and without a value.

use serde::Serialize;
use std::collections::BTreeMap;
use std::net::IpAddr;
use zhongkong_core::alert::{Incident, Open};
use zhongkong_core::app::{App, AppName};
use zhongkong_core::config::ReadyApp;
use zhongkong_core::credential::Credential;
use zhongkong_core::engine::{Check, Count, Failure, Status, Trouble};
use zhongkong_core::language::Language::{En, Zh};
use zhongkong_core::protocol::Report;
use zhongkong_core::providers::Provider as _;
use zhongkong_core::time::UnixTime;

/// An app whose settings are sound.
#[derive(Serialize)]
pub(super) struct ReadyAppBody<'a> {
    app: &'a AppName,
    appid: &'a str,
    platform: &'static str,
    token_api: &'static str,
    state: &'static str,
    credentials: BTreeMap<Credential, CredentialBody<'a>>,
    incidents: Vec<IncidentBody>,
    alerts_waiting: usize,
}

#[derive(Serialize)]
struct CredentialBody<'a> {
    state: &'a str,
    version: u64,
    expires_in: u64,
    expires_at: Option<UnixTime>,
    age_known: bool,
    rotated_at: Option<UnixTime>,
    next_refresh_at: Option<UnixTime>,
    last_success_at: Option<UnixTime>,
    trouble: Option<TroubleBody>,
    calls_today: CallsToday,
    #[serde(flatten)]
    token: Option<TokenBody>,
}

/// What only a token has.
#[derive(Serialize)]
struct TokenBody {
    killed_outside: Option<KilledOutside>,
    revoke: Option<RevokeBody>,
}

/// Something for a person, in both languages.
#[derive(Serialize)]
struct Detail<T> {
    detail: T,
    detail_zh: T,
}

#[derive(Serialize)]
struct TroubleBody {
    errcode: Option<i64>,
    class: &'static str,
    ip: Option<IpAddr>,
    #[serde(flatten)]
    detail: Detail<String>,
    failures: u32,
    since: UnixTime,
    retry_at: UnixTime,
}

/// The ledger: what was asked of WeChat since midnight in Beijing.
#[derive(Serialize)]
struct CallsToday {
    refreshes: Refreshes,
    #[serde(skip_serializing_if = "Option::is_none")]
    forced: Option<Used>,
    #[serde(skip_serializing_if = "Option::is_none")]
    probes: Option<Used>,
    until: UnixTime,
}

#[derive(Serialize)]
struct Refreshes {
    #[serde(flatten)]
    used: Used,
    reserve: u32,
}

#[derive(Serialize)]
struct Used {
    used: u32,
    limit: u32,
}

#[derive(Serialize)]
struct KilledOutside {
    count: u32,
    first_at: UnixTime,
    last_at: UnixTime,
    #[serde(flatten)]
    detail: Detail<&'static str>,
}

/// How a revocation stands.
#[derive(Serialize)]
pub(super) struct RevokeBody {
    state: &'static str,
    requested_at: UnixTime,
    covers_version: zhongkong_core::credential::Version,
    forced_refreshes_left: u8,
    trouble: Option<RevokeTrouble>,
    next_at: Option<UnixTime>,
    finished_at: Option<UnixTime>,
    #[serde(flatten)]
    detail: Detail<&'static str>,
}

#[derive(Serialize)]
struct RevokeTrouble {
    errcode: Option<i64>,
    #[serde(flatten)]
    detail: Detail<String>,
    failures: u32,
    retry_at: UnixTime,
}

/// An incident that goes on.
#[derive(Serialize)]
pub(super) struct IncidentBody {
    incident: Incident,
    since: UnixTime,
    told: bool,
}

pub(super) fn ready_app<'a>(ready: &'a ReadyApp, report: &'a Report) -> ReadyAppBody<'a> {
    let app = &ready.app;
    // The worst of its credentials.
    let state = ["down", "retrying", "empty"]
        .into_iter()
        .find(|state| report.credentials.values().any(|status| status.state == *state))
        .unwrap_or("ok");
    let described = |(credential, status): (&Credential, &'a Status)| {
        (*credential, credential_of(app, *credential, status))
    };
    ReadyAppBody {
        app: &app.name,
        appid: &app.appid,
        platform: app.platform.name(),
        token_api: app.token_api.name(),
        state,
        credentials: report.credentials.iter().map(described).collect(),
        incidents: incidents(&report.incidents),
        alerts_waiting: report.alerts_waiting,
    }
}

/// Those that go on.
pub(super) fn incidents(open: &BTreeMap<Incident, Open>) -> Vec<IncidentBody> {
    let body = |(incident, open): (&Incident, &Open)| IncidentBody {
        incident: *incident,
        since: open.since,
        told: open.told,
    };
    open.iter().map(body).collect()
}

fn credential_of<'a>(app: &App, credential: Credential, status: &'a Status) -> CredentialBody<'a> {
    let token = (credential == Credential::AccessToken).then(|| TokenBody {
        killed_outside: status.outsider.as_ref().map(|outsider| KilledOutside {
            count: outsider.count,
            first_at: outsider.first_at,
            last_at: outsider.last_at,
            detail: Detail {
                detail: app.killed_outside(credential, En),
                detail_zh: app.killed_outside(credential, Zh),
            },
        }),
        revoke: revoke(app, status),
    });
    CredentialBody {
        state: &status.state,
        version: status.version,
        expires_in: status.expires_in,
        expires_at: status.expires_at,
        age_known: status.age_known,
        rotated_at: status.rotated_at,
        next_refresh_at: status.next_refresh_at,
        last_success_at: status.last_success_at,
        trouble: status.trouble.as_ref().map(|trouble| trouble_of(app, credential, trouble)),
        calls_today: calls_today(app, credential, status),
        token,
    }
}

fn trouble_of(app: &App, credential: Credential, trouble: &Trouble) -> TroubleBody {
    let failure = &trouble.failure;
    let ip = match failure {
        Failure::Refused(refusal) => refusal.ip,
        _ => None,
    };
    TroubleBody {
        errcode: failure.code(),
        class: app.policy(credential).class(failure).name(),
        ip,
        detail: advice(app, credential, failure),
        failures: trouble.count,
        since: trouble.since,
        retry_at: trouble.retry_at,
    }
}

fn advice(app: &App, credential: Credential, failure: &Failure) -> Detail<String> {
    let said = |language| app.advice(credential, failure, language);
    Detail { detail: said(En), detail_zh: said(Zh) }
}

fn calls_today(app: &App, credential: Credential, status: &Status) -> CallsToday {
    let used = |count: Count| Used { used: count.used, limit: count.limit };
    let calls = &status.calls;
    let is_probed = app.policy(credential).check == Check::Probe;
    let of_token = |count| is_probed.then(|| used(count));
    CallsToday {
        refreshes: Refreshes { used: used(calls.refreshes), reserve: calls.reserve },
        forced: of_token(calls.forced),
        probes: of_token(calls.probes),
        until: calls.until,
    }
}

/// How the newest revocation stands; `None` when there was none.
pub(super) fn revoke(app: &App, status: &Status) -> Option<RevokeBody> {
    let revoke = status.revoke.as_ref()?;
    let trouble = revoke.failure.as_ref().map(|(failure, count, retry_at)| RevokeTrouble {
        errcode: failure.code(),
        detail: advice(app, Credential::AccessToken, failure),
        failures: *count,
        retry_at: *retry_at,
    });
    Some(RevokeBody {
        state: if revoke.goes_on() { "going_on" } else { "done" },
        requested_at: revoke.requested_at,
        covers_version: revoke.covers,
        forced_refreshes_left: revoke.left,
        trouble,
        next_at: status.revoke_next_at,
        finished_at: revoke.finished_at,
        detail: Detail { detail: app.revoking(En), detail_zh: app.revoking(Zh) },
    })
}
