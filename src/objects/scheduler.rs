//! The scheduler: which Keeper is due when. One Durable Object of a class of its own.
//!
//! It is there so that a tick costs what is due, not what exists: the cron asks here instead of reading a record of
//! every app. Keepers note here when they want to be woken. Nothing depends on it being right: an app that is woken
//! too early looks at its own plan, and without the scheduler the cron reads the store.

use super::database::Database;
use super::notices::Notices;
use super::{alarm_failed, unreadable};
use crate::{bindings, log};
use serde_json::json;
use std::cell::RefCell;
use std::rc::Rc;
use worker::{DurableObject, Env, Request, Response, State, durable_object};
use zhongkong_core::alert::misconfigured;
use zhongkong_core::encoding::{from_json, to_json};
use zhongkong_core::protocol::SchedulerAsk;
use zhongkong_tables::Schedule;

/// The Durable Object class.
#[durable_object(alarm)]
pub struct Scheduler {
    object: Rc<Object>,
}

struct Object {
    state: State,
    env: Env,
    notices: RefCell<Option<Rc<Notices>>>,
}

impl DurableObject for Scheduler {
    fn new(state: State, env: Env) -> Self {
        Self { object: Rc::new(Object { state, env, notices: RefCell::default() }) }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        let question = request.text().await?;
        match self.object.answer(&question) {
            Ok(answer) => Response::ok(answer),
            Err(error) => {
                log::warn("scheduler_failed", json!({"detail": error.to_string()}));
                Response::error("the scheduler could not answer", 500)
            }
        }
    }

    /// Sends what waits to be told of the configuration.
    async fn alarm(&self) -> worker::Result<Response> {
        if let Err(error) = self.object.deliver().await {
            alarm_failed(&self.object.state, &error).await?;
        }
        Response::empty()
    }
}

impl Object {
    /// Answers a question of the cron or of a Keeper. A tick of the cron is also the time to look at the configuration.
    fn answer(self: &Rc<Self>, question: &str) -> worker::Result<String> {
        let ask: SchedulerAsk = from_json(question).map_err(unreadable)?;
        let (is_tick, centre) = (ask.is_tick(), bindings::centre(&self.env));
        let schedule = Schedule::open(Database::of(&self.state))?;
        let reply = schedule
            .answer(ask, &centre.config.fingerprint, || self.notices().map(|notices| notices.book()))?;
        if is_tick {
            self.look_at_configuration();
        }
        to_json(&reply).map_err(unreadable)
    }

    fn notices(&self) -> worker::Result<Rc<Notices>> {
        if let Some(notices) = &*self.notices.borrow() {
            return Ok(Rc::clone(notices));
        }
        let notices = Rc::new(Notices::open(&self.state, &bindings::centre(&self.env), None)?);
        *self.notices.borrow_mut() = Some(Rc::clone(&notices));
        Ok(notices)
    }

    /// Tells of settings that are missing or wrong, and when they no longer are. What fails here stops nothing else.
    fn look_at_configuration(self: &Rc<Self>) {
        let object = Rc::clone(self);
        self.state.wait_until(async move {
            let centre = bindings::centre(&object.env);
            let found = misconfigured(&centre.config.faults);
            let looked = async { object.notices()?.look(&object.state, &centre, &found).await };
            if let Err(error) = looked.await {
                log::warn("alerts_not_written", json!({"app": null, "detail": error.to_string()}));
            }
        });
    }

    async fn deliver(&self) -> worker::Result<()> {
        self.notices()?.deliver(&self.state, &bindings::centre(&self.env)).await
    }
}
