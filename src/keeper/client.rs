//! The Worker's side of a Keeper.

use super::wire::{Ask, Question, Reply};
use crate::bindings;
use worker::{Env, Method, Request, RequestInit};
use zhongkong_core::config::ReadyApp;
use zhongkong_core::credential::Credential;

/// Asks the Keeper of an app. Every question may be asked twice: after a failure, as a deployment
/// brings them about, it is, on a new stub.
pub(crate) async fn ask(env: &Env, ready: &ReadyApp, ask: Ask) -> worker::Result<Reply> {
    let question = Question { app: ready.app.name.clone(), identity: ready.identity, ask };
    let question = serde_json::to_string(&question)?;
    match ask_once(env, ready, &question).await {
        Ok(reply) => Ok(reply),
        Err(_) => ask_once(env, ready, &question).await,
    }
}

async fn ask_once(env: &Env, ready: &ReadyApp, question: &str) -> worker::Result<Reply> {
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_body(Some(question.into()));
    let request = Request::new_with_init("https://keeper/", &init)?;
    let mut response = bindings::keeper(env, &ready.app.name)?.fetch_with_request(request).await?;
    if response.status_code() != 200 {
        return Err(worker::Error::RustError("the Keeper could not answer".to_owned()));
    }
    response.json().await
}

/// Wakes the Keeper of an app and waits until it has done what was due. `missing` are the
/// credentials that the store does not have.
pub(crate) async fn wake(env: &Env, ready: &ReadyApp, missing: Vec<Credential>) -> worker::Result<()> {
    ask(env, ready, Ask::Wake { missing }).await.map(drop)
}
