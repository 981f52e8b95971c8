//! `GET /metrics`: the same as the status, for Prometheus.

use super::status;
use crate::answer::{self, Outcome};
use crate::client;
use crate::context::RequestContext;
use crate::platform;
use futures_util::future::{join, join_all};
use zhongkong_core::access::Caller;
use zhongkong_core::alert::Incident;
use zhongkong_core::app::AppName;
use zhongkong_core::config::AppEntry;
use zhongkong_core::http::parameters::{invalid, only_parameter};
use zhongkong_core::metrics::{self, Kept, Shown};
use zhongkong_core::problem::{Code, Problem};
use zhongkong_core::protocol::{Ask, Reply, Report, SchedulerAsk, SchedulerReply};

/// Each app costs a question to its Keeper, and a request may ask so many.
const MOST_APPS: usize = 500;

/// The apps that the caller may see, or the one that `app` names.
///
/// 1. `app` is an app that the caller may see, or absent (400, 403); they are not too many (400).
/// 2. Each Keeper is asked; one that does not answer is shown as such.
pub(crate) async fn show(request: &RequestContext, caller: &Caller) -> Outcome {
    let config = &request.centre.config;
    let hint = "Send ?app= with the name of an app, or nothing for all.";
    let only = match only_parameter(request.head().query(), "app", hint)? {
        None => None,
        Some(name) => Some(AppName::parse(&name).ok_or_else(|| invalid(hint))?),
    };
    let seen = |name: &AppName| caller.apps.includes(name) && only.as_ref().is_none_or(|only| only == name);
    let apps: Vec<(&AppName, &AppEntry)> = config.apps.iter().filter(|(name, _)| seen(name)).collect();
    if apps.is_empty() && only.is_some() {
        let detail = "This key may not see this app, or there is no such app.";
        return Err(Problem::new(Code::NotAllowed, detail));
    }
    if apps.len() > MOST_APPS {
        let detail = format!("More than {MOST_APPS} apps cannot be shown at once. {hint}");
        return Err(invalid(detail));
    }
    let fatal = config.fatal().next().is_some();
    let (reports, tick) = join(
        join_all(apps.iter().map(|(_, entry)| report(request, entry, fatal))),
        client::ask_scheduler(&request.env, &SchedulerAsk::LastTick),
    )
    .await;
    let tick = match tick {
        Ok(SchedulerReply::Tick(tick)) => Some(tick),
        _ => None,
    };
    let incidents: Vec<Vec<Incident>> = reports
        .iter()
        .map(|report| report.iter().flat_map(|report| report.incidents.keys().copied()).collect())
        .collect();
    let shown: Vec<Shown<'_>> = apps
        .iter()
        .zip(&reports)
        .zip(&incidents)
        .map(|(((app, entry), report), incidents)| Shown {
            app,
            configured: !fatal && matches!(entry, AppEntry::Ready(_)),
            kept: report.as_ref().map(|report| Kept {
                credentials: &report.credentials,
                incidents,
                alerts_waiting: report.alerts_waiting,
                counts: &report.counts,
            }),
        })
        .collect();
    let centre = metrics::Centre {
        faults: config.faults.iter().filter(|fault| status::concerns(caller, fault)).count(),
        last_tick_at: tick.as_ref().and_then(|tick| tick.last_at),
        misconfigured: tick
            .as_ref()
            .is_some_and(|tick| tick.incidents.contains_key(&Incident::Misconfigured)),
        alerts_waiting: tick.as_ref().map_or(0, |tick| tick.alerts_waiting),
        apps: &shown,
    };
    answer::text(metrics::render(&centre, platform::now()), "text/plain; version=0.0.4; charset=utf-8")
}

async fn report(request: &RequestContext, entry: &AppEntry, fatal: bool) -> Option<Report> {
    let AppEntry::Ready(ready) = entry else { return None };
    if fatal {
        return None;
    }
    match client::ask(&request.env, ready, Ask::Status).await {
        Ok(Reply::Status(report)) => Some(report),
        _ => None,
    }
}
