//! The Worker's side of the Durable Objects: questions to Keepers and to the scheduler. Keepers use it too, for the
//! scheduler.

use crate::objects::unreadable;
use crate::{bindings, log};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use worker::durable::Stub;
use worker::{Env, Method, Request, RequestInit};
use zhongkong_core::app::AppName;
use zhongkong_core::config::ReadyApp;
use zhongkong_core::credential::{Credential, Version};
use zhongkong_core::encoding::{from_json, to_json};
use zhongkong_core::history::Line;
use zhongkong_core::problem::{Code, Problem};
use zhongkong_core::protocol::{
    Ask, Entry, Filter, HistoryAsk, Question, Reply, SchedulerAsk, SchedulerReply, Trends,
};
use zhongkong_core::tally::Reads;

/// Where the kinds of question go.
const KEEPER: &str = "https://keeper/";
const SCHEDULER: &str = "https://scheduler/";
const HISTORY: &str = "https://keeper/history";

/// The path of [`HISTORY`].
pub(crate) const HISTORY_PATH: &str = "/history";

/// Asks the Keeper of an app. Every question may be asked twice: after a failure, as a deployment
/// brings them about, it is, on a new stub.
pub(crate) async fn ask(env: &Env, ready: &ReadyApp, ask: Ask) -> worker::Result<Reply> {
    let question = Question { app: ready.app.name.clone(), identity: ready.identity, ask };
    let stub = || bindings::keeper(env, &ready.app.name);
    match put(stub()?, KEEPER, &question).await {
        Ok(reply) => Ok(reply),
        Err(_) => put(stub()?, KEEPER, &question).await,
    }
}

/// Asks the scheduler, in the same way.
pub(crate) async fn ask_scheduler(env: &Env, ask: &SchedulerAsk) -> worker::Result<SchedulerReply> {
    match put(bindings::scheduler(env)?, SCHEDULER, ask).await {
        Ok(reply) => Ok(reply),
        Err(_) => put(bindings::scheduler(env)?, SCHEDULER, ask).await,
    }
}

/// Adds lines to the history of an app; says whether they have arrived for sure. It is not tried twice: they
/// may have arrived without an answer.
pub(crate) async fn note(env: &Env, app: &AppName, lines: Vec<Line>, reads: Reads) -> bool {
    let Ok(stub) = bindings::keeper(env, app) else { return false };
    put::<Vec<Entry>>(stub, HISTORY, &HistoryAsk::Note { lines, reads }).await.is_ok()
}

/// A part of the history of an app.
pub(crate) async fn history(env: &Env, app: &AppName, filter: Filter) -> worker::Result<Vec<Entry>> {
    put(bindings::keeper(env, app)?, HISTORY, &HistoryAsk::Page(filter)).await
}

/// What the plots of an app show.
pub(crate) async fn trends(env: &Env, app: &AppName) -> worker::Result<Trends> {
    put(bindings::keeper(env, app)?, HISTORY, &HistoryAsk::Trends).await
}

/// What a caller is told where the Keeper of an app did not answer, with what to do; the log is told too.
pub(crate) fn no_answer(app: &AppName, to_do: &str) -> Problem {
    log::warn("keeper_unreachable", json!({"app": app}));
    let detail = format!("The Keeper of app {app} did not answer: {to_do}");
    Problem::new(Code::Unavailable, detail).retry_after(2)
}

async fn put<T: DeserializeOwned>(stub: Stub, url: &str, question: &impl Serialize) -> worker::Result<T> {
    let mut init = RequestInit::new();
    let question = to_json(question).map_err(unreadable)?;
    init.with_method(Method::Post).with_body(Some(question.into()));
    let mut response = stub.fetch_with_request(Request::new_with_init(url, &init)?).await?;
    if response.status_code() != 200 {
        return Err(worker::Error::RustError("the Keeper could not answer".to_owned()));
    }
    from_json(&response.text().await?).map_err(unreadable)
}

/// Wakes the Keeper of an app and waits until it has done what was due. The store showed these
/// versions, where it was looked at.
pub(crate) async fn wake(
    env: &Env,
    ready: &ReadyApp,
    shown: Vec<(Credential, Version)>,
) -> worker::Result<()> {
    ask(env, ready, Ask::Wake { shown }).await.map(drop)
}
