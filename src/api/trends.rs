//! `GET /v1/apps/{app}/trends`: the last days of an app, for plots.

use crate::answer::{self, Outcome};
use crate::client;
use crate::context::RequestContext;
use crate::platform;
use serde::Serialize;
use zhongkong_core::app::AppName;
use zhongkong_core::protocol::Trends;
use zhongkong_core::time::UnixTime;

#[derive(Serialize)]
struct Body<'a> {
    app: &'a AppName,
    #[serde(flatten)]
    trends: Trends,
    now: UnixTime,
}

/// Values with their lives, and what has happened in each hour (503 when the Keeper cannot be reached).
pub(crate) async fn show(request: &RequestContext, app: &AppName) -> Outcome {
    let Ok(trends) = client::trends(&request.env, app).await else {
        return Err(client::no_answer(app, "ask again in a few seconds."));
    };
    answer::ok(&Body { app, trends, now: platform::now() })
}
