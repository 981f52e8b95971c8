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
mod rows;
mod storage;
mod timing;
mod upstream;
mod watch;
pub(crate) mod wire;

use crate::log;
use client::{HISTORY_PATH, ROSTER_PATH};
use desk::Desk;
use serde_json::json;
use std::rc::Rc;
use std::time::Duration;
pub(crate) use upstream::gateway_key_for;
use wire::{Question, Reply};
use worker::{DurableObject, Env, Request, Response, State, durable_object};

/// After a failure of the alarm itself, for instance of SQLite.
const ALARM_AGAIN: Duration = Duration::from_secs(30);

/// The Durable Object class.
#[durable_object]
pub struct Keeper {
    desk: Rc<Desk>,
}

impl Keeper {
    /// Answers a [`Question`] of the Worker with a [`Reply`].
    async fn answer(&self, mut request: Request) -> worker::Result<Response> {
        let question: Question = wire::read(&mut request).await?;
        Response::from_json::<Reply>(&self.desk.answer(question).await?)
    }
}

impl DurableObject for Keeper {
    fn new(state: State, env: Env) -> Self {
        Self { desk: Rc::new(Desk::new(state, env)) }
    }

    async fn fetch(&self, request: Request) -> worker::Result<Response> {
        #[cfg(feature = "panic-on-purpose")]
        crate::panic::on_purpose(request.headers().get("X-Panic")?.as_deref(), "keeper");
        let answer = match request.path().as_str() {
            ROSTER_PATH => roster::answer(&self.desk, request).await,
            HISTORY_PATH => history::answer(&self.desk.state, request).await,
            _ => self.answer(request).await,
        };
        answer.or_else(|error| {
            // Storage and platform errors: they hold no secret, and callers do not see them.
            log::warn("keeper_failed", json!({"app": self.desk.app(), "detail": error.to_string()}));
            Response::error("the Keeper could not answer", 500)
        })
    }

    /// The planned moment. The runtime drops an alarm that fails again and again, so a failure is
    /// caught here, and the alarm set anew.
    async fn alarm(&self) -> worker::Result<Response> {
        if let Err(error) = self.desk.alarm().await {
            log::warn("alarm_failed", json!({"detail": error.to_string()}));
            self.desk.set_alarm_in(ALARM_AGAIN).await?;
        }
        Response::empty()
    }
}
