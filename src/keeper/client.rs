//! The Worker's side of a Keeper.

use super::wire::{Ask, Question, Reply};
use crate::bindings;
use worker::{Env, Method, Request, RequestInit};
use zhongkong_core::app::AppName;

/// Asks the Keeper of `app`.
pub(crate) async fn ask(env: &Env, app: &AppName, ask: Ask) -> worker::Result<Reply> {
    let question = serde_json::to_string(&Question { app: app.clone(), ask })?;
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_body(Some(question.into()));
    let request = Request::new_with_init("https://keeper/", &init)?;
    let mut response = bindings::keeper(env, app)?.fetch_with_request(request).await?;
    if response.status_code() != 200 {
        return Err(worker::Error::RustError("the Keeper could not answer".to_owned()));
    }
    response.json().await
}

/// Wakes the Keeper of `app` and waits until it has done what was due.
pub(crate) async fn wake(env: &Env, app: &AppName) -> worker::Result<()> {
    ask(env, app, Ask::Wake).await.map(drop)
}
