//! The control API.

use super::Served;
use crate::account::Account;
use crate::faults::Fault;
use crate::knobs::{Confirm, Knobs};
use crate::token::Standing;
use crate::world::World;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

type Shared = State<Arc<Served>>;

#[derive(Deserialize)]
pub(super) struct Alive {
    access_token: Option<String>,
    ticket: Option<String>,
}

pub(super) async fn alive(State(served): Shared, Query(asked): Query<Alive>) -> Json<Value> {
    Json(served.with(|world, now| match (asked.access_token, asked.ticket) {
        (Some(token), _) => match world.find_token(&token, now) {
            Some((appid, lane, standing)) => json!({
                "alive": matches!(standing, Standing::Current | Standing::Previous),
                "appid": appid, "lane": lane, "standing": standing,
            }),
            None => json!({"alive": false}),
        },
        (None, Some(ticket)) => match world.find_ticket(&ticket, now) {
            Some((appid, kind)) => json!({"alive": true, "appid": appid, "type": kind}),
            None => json!({"alive": false}),
        },
        (None, None) => json!({"alive": false, "hint": "give access_token or ticket"}),
    }))
}

#[derive(Deserialize)]
pub(super) struct Calls {
    appid: Option<String>,
}

pub(super) async fn calls(State(served): Shared, Query(asked): Query<Calls>) -> Json<Value> {
    Json(served.with(|world, _| {
        let calls: Vec<_> = world
            .audit
            .entries()
            .filter(|entry| asked.appid.is_none() || entry.appid == asked.appid)
            .cloned()
            .collect();
        json!({"calls": calls})
    }))
}

pub(super) async fn heads(State(served): Shared) -> Json<Value> {
    Json(json!({"heads": *served.heads()}))
}

pub(super) async fn forget_calls(State(served): Shared) -> StatusCode {
    served.with(|world, _| world.audit.clear());
    StatusCode::NO_CONTENT
}

/// No such control: not a call of WeChat, and not counted as one.
pub(super) async fn unknown() -> (StatusCode, &'static str) {
    (StatusCode::NOT_FOUND, "There is no such control; crates/simulator/README.md lists them.\n")
}

/// The knobs of an account.
pub(super) async fn account(
    State(served): Shared,
    Path(appid): Path<String>,
) -> Result<Json<Knobs>, StatusCode> {
    let knobs = served.with(|world, _| world.accounts.get(&appid).map(|account| account.knobs.clone()));
    knobs.map(Json).ok_or(StatusCode::NOT_FOUND)
}

/// Changes the knobs that the body names, leaves the others.
pub(super) async fn change_account(
    State(served): Shared,
    Path(appid): Path<String>,
    Json(change): Json<Value>,
) -> Result<Json<Value>, (StatusCode, String)> {
    let bad = |text: String| (StatusCode::BAD_REQUEST, text);
    served.with(|world, _| {
        let account = world.accounts.entry(appid).or_insert_with(Account::default);
        let mut knobs = serde_json::to_value(&account.knobs).map_err(|error| bad(error.to_string()))?;
        let (Some(knobs_now), Value::Object(change)) = (knobs.as_object_mut(), change) else {
            return Err(bad("send a JSON object of knobs".to_owned()));
        };
        knobs_now.extend(change);
        account.knobs =
            serde_json::from_value::<Knobs>(knobs.clone()).map_err(|error| bad(error.to_string()))?;
        Ok(Json(knobs))
    })
}

#[derive(Deserialize)]
pub(super) struct Confirmation {
    answer: Answer,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Ask,
    Approve,
    Refuse,
}

/// The administrator is asked, approves or refuses; a second refusal lasts for a day.
pub(super) async fn confirm(
    State(served): Shared,
    Path(appid): Path<String>,
    Json(asked): Json<Confirmation>,
) -> Json<Value> {
    Json(served.with(|world, now| {
        let knobs = &mut world.accounts.entry(appid).or_default().knobs;
        knobs.confirm = match (asked.answer, knobs.confirm) {
            (Answer::Ask, _) => Confirm::Waiting,
            (Answer::Approve, _) => Confirm::Approved,
            (Answer::Refuse, Confirm::Refused(_) | Confirm::RefusedAgain(_)) => Confirm::RefusedAgain(now),
            (Answer::Refuse, _) => Confirm::Refused(now),
        };
        json!({"confirm": knobs.confirm})
    }))
}

/// The AppSecret works again in ten minutes.
pub(super) async fn unfreeze(State(served): Shared, Path(appid): Path<String>) -> Json<Value> {
    Json(served.with(|world, now| {
        let knobs = &mut world.accounts.entry(appid).or_default().knobs;
        knobs.frozen_until_ms = Some(now + 600_000);
        json!({"frozen_until_ms": knobs.frozen_until_ms})
    }))
}

/// The script, each fault with how often it has struck.
pub(super) async fn faults(State(served): Shared) -> Json<Value> {
    Json(served.with(|world, _| {
        let faults: Vec<Value> =
            world.script.faults().map(|(fault, struck)| json!({"fault": fault, "struck": struck})).collect();
        json!({"faults": faults})
    }))
}

pub(super) async fn arm(State(served): Shared, Json(fault): Json<Fault>) -> StatusCode {
    served.with(|world, now| world.script.arm(fault, now));
    StatusCode::NO_CONTENT
}

pub(super) async fn disarm(State(served): Shared) -> StatusCode {
    served.with(|world, _| world.script.clear());
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
pub(super) struct Kill {
    access_token: String,
}

pub(super) async fn kill(State(served): Shared, Json(asked): Json<Kill>) -> Json<Value> {
    Json(served.with(|world, now| json!({"killed": world.kill_token(&asked.access_token, now)})))
}

#[derive(Deserialize)]
pub(super) struct Clock {
    advance_s: u64,
}

pub(super) async fn clock(State(served): Shared, Json(asked): Json<Clock>) -> Json<Value> {
    served.advance(asked.advance_s);
    Json(served.with(|_, now| json!({"now_ms": now})))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Verify {
    #[serde(alias = "appId")]
    appid: String,
    url: String,
    nonce_str: String,
    timestamp: u64,
    signature: String,
}

pub(super) async fn verify(State(served): Shared, Json(asked): Json<Verify>) -> Json<Value> {
    Json(served.with(|world, now| {
        let Verify { appid, url, nonce_str, timestamp, signature } = &asked;
        json!({"valid": world.verify_page(now, appid, url, nonce_str, *timestamp, signature)})
    }))
}

pub(super) async fn reset(State(served): Shared) -> StatusCode {
    served.with(|world, now| *world = World::local(now));
    StatusCode::NO_CONTENT
}
