//! `POST /v1/apps/{app}/check`: asks everybody that an app depends on, now: its Keeper, WeChat, the store, the roster.

use super::{describe, input};
use crate::answer::{self, Outcome};
use crate::call::Call;
use crate::incoming::Incoming;
use crate::keeper::client;
use crate::store::{self, Found};
use crate::{log, platform};
use futures_util::future::join;
use serde::Deserialize;
use zhongkong_core::config::{ReadyApp, StoreKind};
use zhongkong_core::credential::Credential;
use zhongkong_core::json::{Piece, object};
use zhongkong_core::problem::{Code, Problem};
use zhongkong_core::protocol::{Ask, Reply, RosterAsk, RosterReply};

const SHAPE: &str = "{} or {\"credential\": \"access_token\"}";

#[derive(Default, Deserialize)]
struct Wanted {
    credential: Option<String>,
}

/// Checks an app.
///
/// 1. The body names a credential of the app, or none for all (400, 404).
/// 2. The Keeper asks WeChat where that is safe, and waits for the answer (503 when it cannot be reached); beside it
///    the store is read and the roster asked.
/// 3. 200 with what was found, whatever it is.
pub(crate) async fn now(request: &Incoming, call: &Call, ready: &ReadyApp) -> Outcome {
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
        client::ask(&call.env, ready, Ask::Check(only)),
        join(store_state(call, ready), client::ask_roster(&call.env, &RosterAsk::LastTick)),
    )
    .await;
    let Ok(Reply::Checked { asked, report }) = asked else {
        log::warn("keeper_unreachable", &[("app", &app)]);
        let detail = format!("The Keeper of app {app} did not answer: ask again in a few seconds.");
        return Err(Problem::new(Code::Unavailable, detail).retry_after(2));
    };
    let roster = match tick {
        Ok(RosterReply::Tick(tick)) => object(&[("state", &"ok"), ("last_tick_at", &tick.last_at)]),
        _ => object(&[("state", &"failed"), ("last_tick_at", &None::<()>)]),
    };
    let checked = describe::by_name(asked.iter(), |_, asked| {
        object(&[("call", &asked.call), ("rotated", &asked.rotated)])
    });
    answer::ok(describe::ready_app(ready, &report).and(&[
        ("checked", &checked),
        ("store", &store),
        ("cron", &roster),
        ("took_ms", &(platform::now_millis() - started_ms)),
        ("now", &platform::now()),
    ]))
}

/// Whether the store can be read, and what it has of the access token.
async fn store_state(call: &Call, ready: &ReadyApp) -> Piece {
    let kind = match call.centre.config.store {
        StoreKind::Kv => "kv",
        StoreKind::D1 => "d1",
        StoreKind::Memory => {
            return object(&[("kind", &"memory"), ("state", &"ok"), ("version", &None::<()>)]);
        }
    };
    let found = store::find(&call.env, &call.centre, &ready.app.name, Credential::AccessToken).await;
    let (state, version) = match found {
        Found::Here(record) => ("ok", Some(record.version)),
        Found::Nothing => ("empty", None),
        Found::Failed => ("failed", None),
    };
    object(&[("kind", &kind), ("state", &state), ("version", &version)])
}
