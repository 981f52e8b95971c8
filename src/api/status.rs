//! `GET /v1/apps` and `GET /v1/apps/{app}`: how everything is, without a value.

use super::describe::{self, IncidentBody, ReadyAppBody};
use crate::answer::{self, Outcome};
use crate::client;
use crate::context::RequestContext;
use crate::{log, platform};
use futures_util::future::join_all;
use serde::Serialize;
use serde_json::json;
use std::ops::Bound;
use zhongkong_core::access::{AllowedApps, Caller, Scope};
use zhongkong_core::app::AppName;
use zhongkong_core::config::{AppEntry, Fault, Place};
use zhongkong_core::http::admit::ready;
use zhongkong_core::http::parameters::{invalid, only_parameter};
use zhongkong_core::protocol::{Ask, Reply, Report, SchedulerAsk, SchedulerReply};
use zhongkong_core::time::UnixTime;

/// Each app costs a question to its Keeper, so that they come in pages of so many.
const PAGE: usize = 40;

#[derive(Serialize)]
struct Body<'a> {
    apps: Vec<AppBody<'a>>,
    next: Option<&'a AppName>,
    faults: Vec<String>,
    cron: Cron,
    alerts: Alerts,
    incidents: Vec<IncidentBody>,
    caller: CallerBody<'a>,
    now: UnixTime,
}

#[derive(Serialize)]
struct Cron {
    last_tick_at: Option<UnixTime>,
}

#[derive(Serialize)]
struct Alerts {
    configured: bool,
    waiting: usize,
}

#[derive(Serialize)]
struct CallerBody<'a> {
    name: &'a str,
    scopes: Vec<&'static str>,
}

/// How one app is.
#[derive(Serialize)]
#[serde(untagged)]
enum AppBody<'a> {
    Ready(ReadyAppBody<'a>),
    /// Its Keeper did not answer.
    Unknown {
        app: &'a AppName,
        appid: &'a str,
        state: &'static str,
        detail: &'static str,
    },
    Misconfigured {
        app: &'a AppName,
        state: &'static str,
        faults: Vec<String>,
    },
}

/// The apps that the caller may see, a page of them by name, and the faults of the configuration that
/// concern it.
///
/// 1. `after` is a name of an app, or absent (400).
/// 2. Each app is described; `next` says where the next page begins.
pub(crate) async fn all(request: &RequestContext, caller: &Caller) -> Outcome {
    let hint = "It is the \"next\" of the page before.";
    let after = match only_parameter(request.head().query(), "after", hint)? {
        None => None,
        Some(name) => {
            Some(AppName::parse(&name).ok_or_else(|| invalid(format!("after is not understood. {hint}")))?)
        }
    };
    let config = &request.centre.config;
    let first = after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
    let mut names = config
        .apps
        .range::<AppName, _>((first, Bound::Unbounded))
        .map(|(name, _)| name)
        .filter(|name| caller.apps.includes(name));
    let page: Vec<&AppName> = names.by_ref().take(PAGE).collect();
    let next = page.last().copied().filter(|_| names.next().is_some());
    let reports = join_all(page.iter().map(|name| report(request, name))).await;
    let tick = match client::ask_scheduler(&request.env, &SchedulerAsk::LastTick).await {
        Ok(SchedulerReply::Tick(tick)) => Some(tick),
        _ => None,
    };
    answer::ok(&Body {
        apps: page.iter().zip(&reports).map(|(name, report)| body(request, name, report.as_ref())).collect(),
        next,
        faults: config
            .faults
            .iter()
            .filter(|fault| concerns(caller, fault))
            .map(ToString::to_string)
            .collect(),
        cron: Cron { last_tick_at: tick.as_ref().and_then(|tick| tick.last_at) },
        alerts: Alerts {
            configured: config.webhook.is_some(),
            waiting: tick.as_ref().map_or(0, |tick| tick.alerts_waiting),
        },
        incidents: tick.map(|tick| describe::incidents(&tick.incidents)).unwrap_or_default(),
        caller: CallerBody {
            name: &caller.name,
            scopes: caller.scopes.iter().copied().map(Scope::name).collect(),
        },
        now: platform::now(),
    })
}

/// One app.
pub(crate) async fn one(request: &RequestContext, app: &AppName) -> Outcome {
    let report = report(request, app).await;
    answer::ok(&body(request, app, report.as_ref()))
}

/// Faults of an app concern those who may use it; all others concern those who may use all.
pub(super) fn concerns(caller: &Caller, fault: &Fault) -> bool {
    match &fault.place {
        Place::App(app) => caller.apps.includes(app),
        Place::Centre => true,
        Place::Caller | Place::Entry | Place::Aside => caller.apps == AllowedApps::All,
    }
}

/// What the Keeper of an app says; `None` for an app that does not work, or a Keeper that does not answer.
async fn report(request: &RequestContext, name: &AppName) -> Option<Report> {
    let ready = ready(&request.centre.config, name).ok()?;
    if let Ok(Reply::Status(report)) = client::ask(&request.env, ready, Ask::Status).await {
        return Some(report);
    }
    log::warn("keeper_unreachable", json!({"app": name}));
    None
}

fn body<'a>(request: &'a RequestContext, app: &'a AppName, report: Option<&'a Report>) -> AppBody<'a> {
    let config = &request.centre.config;
    let state = "misconfigured";
    match (ready(config, app), report, config.apps.get(app)) {
        (Ok(ready), Some(report), _) => AppBody::Ready(describe::ready_app(ready, report)),
        (Ok(ready), None, _) => {
            let detail = "The Keeper did not answer; ask again in a few seconds.";
            AppBody::Unknown { app, appid: &ready.app.appid, state: "unknown", detail }
        }
        (Err(_), _, Some(AppEntry::Faulty(faults))) => {
            AppBody::Misconfigured { app, state, faults: faults.iter().map(ToString::to_string).collect() }
        }
        _ => AppBody::Misconfigured { app, state, faults: config.fatal().map(ToString::to_string).collect() },
    }
}
