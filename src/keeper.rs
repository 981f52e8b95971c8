//! The Keeper: one Durable Object for each app, the only one that asks WeChat for its credentials; and
//! one more, the roster, that knows when each of them wants to be woken.
//!
//! Everything is decided by the core's engine; here its effects are carried out. The order that
//! keeps the promises: commit to SQLite first; then publish to the store, and answer without waiting
//! for it.

mod alerts;
mod announce;
pub(crate) mod client;
mod counts;
mod desk;
mod flight;
mod history;
mod meta;
mod opened;
mod publish;
mod roster;
mod sql;
mod storage;
mod timing;
mod upstream;
mod watch;

use crate::runtime::{Env, State};
use crate::trouble::Trouble;
use crate::{log, turn};
use client::{HISTORY_PATH, ROSTER_PATH};
use desk::Desk;
use js_sys::Promise;
use std::rc::Rc;
use std::time::Duration;
pub(crate) use upstream::gateway_key_for;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker_sys::DurableObjectState;

/// After a failure of the alarm itself, for instance of SQLite.
const ALARM_AGAIN: Duration = Duration::from_secs(30);

/// The Durable Object class, without its requests and responses: those are src/entry.mjs's.
#[wasm_bindgen]
pub struct Keeper {
    desk: Rc<Desk>,
}

#[wasm_bindgen]
impl Keeper {
    /// As the runtime makes one.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(state: DurableObjectState, env: Env) -> Self {
        Self { desk: Rc::new(Desk::new(State(state), env)) }
    }

    /// A promise of the answer in JSON to a question of the Worker; of `undefined` when there is none.
    pub fn answer(&self, path: String, question: String) -> Promise {
        #[cfg(feature = "panic-on-purpose")]
        crate::panic::on_purpose(path.strip_prefix("/panic/"), "keeper");
        let desk = Rc::clone(&self.desk);
        turn::promise(async move {
            let answer = match path.as_str() {
                ROSTER_PATH => roster::answer(&desk, &question),
                HISTORY_PATH => history::answer(&desk.state, &question),
                _ => desk.answer(&question).await,
            };
            Ok(answer.map_or_else(|error| unanswered(&desk, &error), JsValue::from))
        })
    }

    /// The planned moment, as a promise. The runtime drops an alarm that fails again and again, so a failure is
    /// caught here, and the alarm set anew.
    pub fn alarm(&self) -> Promise {
        let desk = Rc::clone(&self.desk);
        turn::promise(async move {
            if let Err(error) = desk.alarm().await {
                log::warn("alarm_failed", &[("detail", &error.to_string())]);
                desk.set_alarm_in(ALARM_AGAIN).await?;
            }
            Ok(JsValue::UNDEFINED)
        })
    }
}

/// Storage and platform errors: they hold no secret, and callers do not see them.
fn unanswered(desk: &Desk, error: &Trouble) -> JsValue {
    log::warn("keeper_failed", &[("app", &desk.app()), ("detail", &error.to_string())]);
    JsValue::UNDEFINED
}
