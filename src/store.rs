//! Where published credentials are read from. The Keeper writes, everybody reads.
//!
//! A read that failed is not an empty one: [`Found`] tells them apart.

mod kv;

use crate::bindings::Centre;
use crate::{bindings, log};
use serde_json::json;
use worker::Env;
use zhongkong_core::app::AppName;
use zhongkong_core::credential::Credential;
use zhongkong_core::record::{Header, Record, store_key};
use zhongkong_core::time::UnixTime;

/// What a store has under a key.
pub(crate) enum Found<T> {
    /// A record.
    Here(T),
    /// Nothing.
    Nothing,
    /// The store did not say, or what it holds does not open. Nothing may be concluded from it.
    Failed,
}

/// Reads one record and opens it.
pub(crate) async fn find(env: &Env, centre: &Centre, app: &AppName, credential: Credential) -> Found<Record> {
    let Some(sealer) = &centre.config.sealer else { return Found::Failed };
    let found = match bindings::tokens(env) {
        Ok(store) => kv::get(&store, &store_key(app, credential)).await,
        Err(_) => Found::Failed,
    };
    let text = match found {
        Found::Here(text) => text,
        Found::Nothing => return Found::Nothing,
        Found::Failed => {
            log::error("store_read_failed", json!({"app": app, "credential": credential}));
            return Found::Failed;
        }
    };
    Record::open(&text, sealer, app, credential).map_or_else(
        |_| {
            log::error("record_does_not_open", json!({"app": app, "credential": credential}));
            Found::Failed
        },
        Found::Here,
    )
}

/// Reads the headers of many records at once, in the order asked. Nothing is opened: good for
/// planning.
pub(crate) async fn headers(env: &Env, wanted: &[(&AppName, Credential)]) -> Vec<Found<Header>> {
    let keys: Vec<String> = wanted.iter().map(|(app, credential)| store_key(app, *credential)).collect();
    let texts = match bindings::tokens(env) {
        Ok(store) => kv::get_many(&store, &keys).await,
        Err(_) => keys.iter().map(|_| Found::Failed).collect(),
    };
    texts
        .into_iter()
        .map(|found| match found {
            // What cannot be read is as good as missing: it has to be written again.
            Found::Here(text) => Header::peek(&text).map_or(Found::Nothing, Found::Here),
            Found::Nothing => Found::Nothing,
            Found::Failed => Found::Failed,
        })
        .collect()
}

/// Why a record was not saved.
#[derive(Debug)]
pub(crate) struct NotSaved;

/// Publishes a record; it vanishes by itself when its life is over.
pub(crate) async fn save(
    env: &Env,
    app: &AppName,
    credential: Credential,
    sealed: &str,
    expires_at: UnixTime,
    now: UnixTime,
) -> Result<(), NotSaved> {
    let store = bindings::tokens(env).map_err(|_| NotSaved)?;
    kv::put(&store, &store_key(app, credential), sealed, now.until(expires_at)).await
}

/// Withdraws what was published.
pub(crate) async fn withdraw(env: &Env, app: &AppName, credential: Credential) -> Result<(), NotSaved> {
    let store = bindings::tokens(env).map_err(|_| NotSaved)?;
    kv::delete(&store, &store_key(app, credential)).await
}
