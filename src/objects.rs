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
mod storage;
mod timing;
mod upstream;
mod watch;

use crate::log;
use client::{HISTORY_PATH, ROSTER_PATH};
use desk::Desk;
use serde_json::json;
use std::rc::Rc;
use std::time::Duration;
pub(crate) use upstream::gateway_key_for;
use worker::{DurableObject, Env, Request, Response, State, durable_object};
use zhongkong_core::encoding::Unreadable;

/// After a failure of the alarm itself, for instance of SQLite.
const ALARM_AGAIN: Duration = Duration::from_secs(30);

/// The Durable Object class.
#[durable_object(alarm)]
pub struct Keeper {
    desk: Rc<Desk>,
}

impl DurableObject for Keeper {
    fn new(state: State, env: Env) -> Self {
        Self { desk: Rc::new(Desk::new(state, env)) }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        let path = request.path();
        #[cfg(feature = "panic-on-purpose")]
        crate::panic::on_purpose(path.strip_prefix("/panic/"), "keeper");
        let answer = match (request.text().await, path.as_str()) {
            (Err(error), _) => Err(error),
            (Ok(question), ROSTER_PATH) => roster::answer(&self.desk, &question),
            (Ok(question), HISTORY_PATH) => history::answer(&self.desk.state, &question),
            (Ok(question), _) => self.desk.answer(&question).await,
        };
        match answer {
            Ok(answer) => Response::ok(answer),
            Err(error) => {
                // Storage and platform errors: they hold no secret, and callers do not see them.
                log::warn("keeper_failed", json!({"app": self.desk.app(), "detail": error.to_string()}));
                Response::error("the Keeper could not answer", 500)
            }
        }
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

/// JSON of another form, as an error of the platform's.
fn unreadable(unreadable: Unreadable) -> worker::Error {
    worker::Error::RustError(unreadable.to_string())
}
