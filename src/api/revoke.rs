//! `POST /v1/apps/{app}/access_token/revoke`: kills a token that has leaked.

use super::describe::{self, RevokeBody};
use crate::answer::{self, Outcome};
use crate::client;
use crate::context::RequestContext;
use crate::log;
use serde::Serialize;
use serde_json::json;
use zhongkong_core::app::AppName;
use zhongkong_core::config::ReadyApp;
use zhongkong_core::credential::Credential;
use zhongkong_core::problem::{Code, Problem};
use zhongkong_core::protocol::{Ask, Reply};

#[derive(Serialize)]
struct Body<'a> {
    app: &'a AppName,
    revoke: Option<RevokeBody>,
}

/// Begins a revocation, or joins the one that is going on; it goes on by itself.
///
/// 1. The Keeper takes the first step if WeChat's limits allow it now (503 when it cannot be reached).
/// 2. 202 with the progress, which also stands in the app's status.
pub(crate) async fn begin(request: &RequestContext, ready: &ReadyApp) -> Outcome {
    let app = &ready.app.name;
    if let Ok(Reply::Status(report)) = client::ask(&request.env, ready, Ask::Revoke).await
        && let Some(token) = report.credentials.get(&Credential::AccessToken)
    {
        return answer::with_status(&Body { app, revoke: describe::revoke(&ready.app, token) }, 202);
    }
    log::warn("keeper_unreachable", json!({"app": app}));
    let detail = format!(
        "The Keeper of app {app} did not answer, so it is not known whether the revocation has begun. Look at the app's \
         status, or send this again: it joins a revocation that is going on."
    );
    Err(Problem::new(Code::Unavailable, detail).retry_after(2))
}
