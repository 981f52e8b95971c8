//! `POST /v1/apps/{app}/check`: asks everybody that an app depends on, now: its Keeper, WeChat, the store, the scheduler.

use super::describe::{self, ReadyAppBody};
use super::input;
use crate::answer::{self, Outcome};
use crate::client;
use crate::context::RequestContext;
use crate::platform;
use crate::store::{self, Found};
use futures_util::future::join;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use zhongkong_core::config::{ReadyApp, StoreKind};
use zhongkong_core::credential::{Credential, Version};
use zhongkong_core::problem::{Code, Problem};
use zhongkong_core::protocol::{Ask, Asked, Reply, SchedulerAsk, SchedulerReply};
use zhongkong_core::time::UnixTime;

const SHAPE: &str = "{} or {\"credential\": \"access_token\"}";

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    credential: Option<String>,
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(flatten)]
    app: ReadyAppBody<'a>,
    checked: BTreeMap<Credential, Asked>,
    store: StoreState,
    cron: Cron,
    took_ms: u64,
    now: UnixTime,
}

#[derive(Serialize)]
struct StoreState {
    kind: &'static str,
    state: &'static str,
    version: Option<Version>,
}

#[derive(Serialize)]
struct Cron {
    state: &'static str,
    last_tick_at: Option<UnixTime>,
}

/// Checks an app.
///
/// 1. The body names a credential of the app, or none for all (400, 404).
/// 2. The Keeper asks WeChat where that is safe, and waits for the answer (503 when it cannot be reached); beside it
///    the store is read and the scheduler asked.
/// 3. 200 with what was found, whatever it is.
pub(crate) async fn now(request: &RequestContext, ready: &ReadyApp) -> Outcome {
    let app = &ready.app.name;
    let body = input::bytes(request).await?;
    let wanted: Wanted = if body.is_empty() { Wanted::default() } else { input::object(&body, SHAPE)? };
    let kept = |name: &String| ready.app.credentials().find(|kept| kept.name() == name);
    let only = match &wanted.credential {
        None => None,
        Some(name) => Some(kept(name).ok_or_else(|| {
            Problem::new(
                Code::NotFound,
                format!("App {app} keeps no credential of that name; its status lists them."),
            )
        })?),
    };
    let started_ms = platform::now_millis();
    let (asked, (store, tick)) = join(
        client::ask(&request.env, ready, Ask::Check(only)),
        join(store_state(request, ready), client::ask_scheduler(&request.env, &SchedulerAsk::LastTick)),
    )
    .await;
    let Ok(Reply::Checked { asked, report }) = asked else {
        return Err(client::no_answer(app, "ask again in a few seconds."));
    };
    let cron = match tick {
        Ok(SchedulerReply::Tick(tick)) => Cron { state: "ok", last_tick_at: tick.last_at },
        _ => Cron { state: "failed", last_tick_at: None },
    };
    answer::ok(&Body {
        app: describe::ready_app(ready, &report),
        checked: asked,
        store,
        cron,
        took_ms: platform::now_millis() - started_ms,
        now: platform::now(),
    })
}

/// Whether the store can be read, and what it has of the access token.
async fn store_state(request: &RequestContext, ready: &ReadyApp) -> StoreState {
    let kind = match request.centre.config.store {
        StoreKind::Kv => "kv",
        StoreKind::D1 => "d1",
        StoreKind::Memory => return StoreState { kind: "memory", state: "ok", version: None },
    };
    let found = store::find(&request.env, &request.centre, &ready.app.name, Credential::AccessToken).await;
    let (state, version) = match found {
        Found::Here(record) => ("ok", Some(record.version)),
        Found::Nothing => ("empty", None),
        Found::Spoilt | Found::Failed => ("failed", None),
    };
    StoreState { kind, state, version }
}
