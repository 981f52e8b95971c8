//! `POST /v1/apps/{app}/reseal`: seals what is stored of an app with the current `SEAL_KEY`, so that the
//! previous one can be deleted.

use crate::answer::{self, Outcome};
use crate::client;
use crate::context::RequestContext;
use crate::log;
use serde::Serialize;
use serde_json::json;
use zhongkong_core::app::AppName;
use zhongkong_core::config::ReadyApp;
use zhongkong_core::protocol::{Ask, Reply};
use zhongkong_core::seal::Sealer;

#[derive(Serialize)]
struct Body<'a> {
    app: &'a AppName,
    resealed: usize,
    key: Option<&'a str>,
}

/// Seals anew.
///
/// 1. The Keeper seals its own slots and publishes them (503 when it cannot be reached).
/// 2. 200 with the id of the key, as it stands beside everything that it has sealed.
pub(crate) async fn all(request: &RequestContext, ready: &ReadyApp) -> Outcome {
    let app = &ready.app.name;
    let key = request.centre.config.sealer.as_ref().map(Sealer::key_id);
    if let Ok(Reply::Resealed { slots }) = client::ask(&request.env, ready, Ask::Reseal).await {
        log::info("resealed", json!({"app": app, "slots": slots, "key": key}));
        return answer::ok(&Body { app, resealed: slots, key });
    }
    Err(client::no_answer(app, "send this again. Sealing twice does no harm."))
}
