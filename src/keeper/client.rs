//! The Worker's side of the Keepers and of their roster. Keepers use it too, for the roster.

use crate::runtime::Env;
use crate::trouble::{self, Trouble};
use crate::{bindings, glue};
use js_sys::futures::JsFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zhongkong_core::app::AppName;
use zhongkong_core::config::ReadyApp;
use zhongkong_core::credential::{Credential, Version};
use zhongkong_core::history::Line;
use zhongkong_core::json;
use zhongkong_core::protocol::{
    Ask, Entry, Filter, HistoryAsk, Question, Reply, RosterAsk, RosterReply, Trends,
};
use zhongkong_core::tally::Reads;

/// WeChat's servers stand in China. Only the first contact with a Keeper heeds this.
const KEEPER_NEAR: &str = "apac";

/// The roster of all Keepers: an object of the same class, under a name that no app can have.
const ROSTER_NAME: &str = "*roster";

/// Where the kinds of question go.
const KEEPER: &str = "https://keeper/";
const ROSTER: &str = "https://keeper/roster";
const HISTORY: &str = "https://keeper/history";

/// The paths of [`ROSTER`] and [`HISTORY`].
pub(super) const ROSTER_PATH: &str = "/roster";
pub(super) const HISTORY_PATH: &str = "/history";

/// Asks the Keeper of an app. Every question may be asked twice: after a failure, as a deployment
/// brings them about, it is, on a new stub.
pub(crate) async fn ask(env: &Env, ready: &ReadyApp, ask: Ask) -> trouble::Result<Reply> {
    let question = Question { app: ready.app.name.clone(), identity: ready.identity, ask };
    let name = ready.app.name.as_str();
    match put(env, name, KEEPER, &question).await {
        Ok(reply) => Ok(reply),
        Err(_) => put(env, name, KEEPER, &question).await,
    }
}

/// Asks the roster, in the same way.
pub(crate) async fn ask_roster(env: &Env, ask: &RosterAsk) -> trouble::Result<RosterReply> {
    match put(env, ROSTER_NAME, ROSTER, ask).await {
        Ok(reply) => Ok(reply),
        Err(_) => put(env, ROSTER_NAME, ROSTER, ask).await,
    }
}

/// Adds lines to the history of an app; says whether they have arrived for sure. It is not tried twice: they
/// may have arrived without an answer.
pub(crate) async fn note(env: &Env, app: &AppName, lines: Vec<Line>, reads: Reads) -> bool {
    put::<Vec<Entry>>(env, app.as_str(), HISTORY, &HistoryAsk::Note { lines, reads }).await.is_ok()
}

/// A part of the history of an app.
pub(crate) async fn history(env: &Env, app: &AppName, filter: Filter) -> trouble::Result<Vec<Entry>> {
    put(env, app.as_str(), HISTORY, &HistoryAsk::Page(filter)).await
}

/// What the plots of an app show.
pub(crate) async fn trends(env: &Env, app: &AppName) -> trouble::Result<Trends> {
    put(env, app.as_str(), HISTORY, &HistoryAsk::Trends).await
}

async fn put<T: DeserializeOwned>(
    env: &Env,
    name: &str,
    url: &str,
    question: &impl Serialize,
) -> trouble::Result<T> {
    let answer = send(env, name, url, json::write(question)?).await?;
    Ok(json::read(&answer)?)
}

async fn send(env: &Env, name: &str, url: &str, question: String) -> trouble::Result<String> {
    let keepers = bindings::keepers(env).ok_or_else(|| Trouble::new("KEEPER is not bound"))?;
    let answer = JsFuture::from(glue::ask(&keepers, name, KEEPER_NEAR, url, &question)).await?;
    answer.as_string().ok_or_else(|| Trouble::new("the Keeper could not answer"))
}

/// Wakes the Keeper of an app and waits until it has done what was due. The store showed these
/// versions, where it was looked at.
pub(crate) async fn wake(
    env: &Env,
    ready: &ReadyApp,
    shown: Vec<(Credential, Version)>,
) -> trouble::Result<()> {
    ask(env, ready, Ask::Wake { shown }).await.map(drop)
}
