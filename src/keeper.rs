//! The Keeper: one Durable Object for each app, the only one that asks WeChat for its credentials.
//!
//! Everything is decided by the core's engine; here its effects are carried out. The order that
//! keeps the promises: commit to SQLite first; then publish to the store, and answer without waiting
//! for it.

pub(crate) mod client;
mod desk;
mod flight;
mod publish;
mod storage;
mod upstream;
pub(crate) mod wire;

use crate::log;
use desk::Desk;
use serde_json::json;
use std::rc::Rc;
use std::time::Duration;
use wire::{Question, Reply};
use worker::{DurableObject, Env, Request, Response, State, durable_object};

/// After a failure of the alarm itself, for instance of SQLite.
const ALARM_AGAIN: Duration = Duration::from_secs(30);

/// The Durable Object class.
#[durable_object]
pub struct Keeper {
    desk: Rc<Desk>,
}

impl DurableObject for Keeper {
    fn new(state: State, env: Env) -> Self {
        Self { desk: Rc::new(Desk::new(state, env)) }
    }

    /// Answers a [`Question`] of the Worker with a [`Reply`].
    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        let question: Question = request.json().await?;
        let app = question.app.clone();
        match self.desk.answer(question).await {
            Ok(reply) => Response::from_json::<Reply>(&reply),
            Err(error) => {
                // Storage and platform errors: they hold no secret, and callers do not see them.
                log::error("keeper_failed", json!({"app": app, "detail": error.to_string()}));
                Response::error("the Keeper could not answer", 500)
            }
        }
    }

    /// The planned moment. The runtime drops an alarm that fails again and again, so a failure is
    /// caught here, and the alarm set anew.
    async fn alarm(&self) -> worker::Result<Response> {
        if let Err(error) = self.desk.alarm().await {
            log::error("alarm_failed", json!({"detail": error.to_string()}));
            self.desk.set_alarm_in(ALARM_AGAIN).await?;
        }
        Response::empty()
    }
}
