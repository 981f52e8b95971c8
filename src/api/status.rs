//! `GET /v1/apps` and `GET /v1/apps/{app}`: how everything is, without a value.

use super::{describe, input};
use crate::answer::{self, Outcome};
use crate::call::Call;
use crate::incoming::Incoming;
use crate::keeper::client;
use crate::together;
use crate::{log, platform};
use zhongkong_core::access::{AllowedApps, Caller, Scope};
use zhongkong_core::app::AppName;
use zhongkong_core::config::{AppEntry, Fault, Place};
use zhongkong_core::json::{Piece, list, object};
use zhongkong_core::protocol::{Ask, Reply, RosterAsk, RosterReply};

/// Each app costs a question to its Keeper, so that they come in pages of so many.
const PAGE: usize = 40;

/// The apps that the caller may see, a page of them by name, and the faults of the configuration that
/// concern it.
///
/// 1. `after` is a name of an app, or absent (400).
/// 2. Each app is described; `next` says where the next page begins.
pub(crate) async fn all(request: &Incoming, call: &Call, caller: &Caller) -> Outcome {
    let hint = "It is the \"next\" of the page before.";
    let after = match input::only_parameter(request, "after", hint)? {
        None => None,
        Some(name) => Some(
            AppName::parse(&name)
                .ok_or_else(|| input::invalid(format!("after is not understood. {hint}")))?,
        ),
    };
    let config = &call.centre.config;
    let first = after.map_or(0, |after| match config.apps.find_index(&after) {
        Ok(place) => place + 1,
        Err(place) => place,
    });
    let mut names = config.apps.keys().skip(first).filter(|name| caller.apps.includes(name));
    let page: Vec<&AppName> = names.by_ref().take(PAGE).collect();
    let next = page.last().filter(|_| names.next().is_some());
    let apps = together::all(page.iter().map(|name| describe(call, name))).await;
    let faults: Vec<String> =
        config.faults.iter().filter(|fault| concerns(caller, fault)).map(ToString::to_string).collect();
    let tick = match client::ask_roster(&call.env, &RosterAsk::LastTick).await {
        Ok(RosterReply::Tick(tick)) => Some(tick),
        _ => None,
    };
    let last_tick_at = tick.as_ref().and_then(|tick| tick.last_at);
    let incidents = tick.as_ref().map_or_else(|| list([]), |tick| describe::incidents(&tick.incidents));
    let waiting = tick.map_or(0, |tick| tick.alerts_waiting);
    let scopes: Vec<&str> = caller.scopes.iter().copied().map(Scope::name).collect();
    answer::ok(object(&[
        ("apps", &list(apps)),
        ("next", &next),
        ("faults", &faults),
        ("cron", &object(&[("last_tick_at", &last_tick_at)])),
        ("alerts", &object(&[("configured", &config.webhook.is_some()), ("waiting", &waiting)])),
        ("incidents", &incidents),
        ("caller", &object(&[("name", &caller.name), ("scopes", &scopes)])),
        ("now", &platform::now()),
    ]))
}

/// One app.
pub(crate) async fn one(call: &Call, app: &AppName) -> Outcome {
    answer::ok(describe(call, app).await)
}

/// Faults of an app concern those who may use it; all others concern those who may use all.
pub(super) fn concerns(caller: &Caller, fault: &Fault) -> bool {
    match &fault.place {
        Place::App(app) => caller.apps.includes(app),
        Place::Centre => true,
        Place::Caller | Place::Entry | Place::Aside => caller.apps == AllowedApps::All,
    }
}

async fn describe(call: &Call, name: &AppName) -> Piece {
    match call.centre.config.apps.get(name) {
        Some(AppEntry::Ready(ready)) if call.centre.config.fatal().next().is_none() => {
            match client::ask(&call.env, ready, Ask::Status).await {
                Ok(Reply::Status(report)) => describe::ready_app(ready, &report),
                _ => {
                    log::warn("keeper_unreachable", &[("app", &name)]);
                    object(&[
                        ("app", &name),
                        ("appid", &ready.app.appid),
                        ("state", &"unknown"),
                        ("detail", &"The Keeper did not answer; ask again in a few seconds."),
                    ])
                }
            }
        }
        Some(AppEntry::Faulty(faults)) => faulty(name, faults.iter()),
        _ => faulty(name, call.centre.config.fatal()),
    }
}

fn faulty<'a>(name: &AppName, faults: impl Iterator<Item = &'a Fault>) -> Piece {
    object(&[
        ("app", &name),
        ("state", &"misconfigured"),
        ("faults", &faults.map(ToString::to_string).collect::<Vec<_>>()),
    ])
}
