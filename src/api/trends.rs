//! `GET /v1/apps/{app}/trends`: the last days of an app, for plots.

use crate::answer::{self, Outcome};
use crate::call::Call;
use crate::keeper::client;
use crate::{log, platform};
use zhongkong_core::app::AppName;
use zhongkong_core::json::object;
use zhongkong_core::problem::{Code, Problem};

/// Values with their lives, and what has happened in each hour (503 when the Keeper cannot be reached).
pub(crate) async fn show(call: &Call, app: &AppName) -> Outcome {
    let Ok(trends) = client::trends(&call.env, app).await else {
        log::warn("keeper_unreachable", &[("app", &app)]);
        let detail = format!("The Keeper of app {app} did not answer: ask again in a few seconds.");
        return Err(Problem::new(Code::Unavailable, detail).retry_after(2));
    };
    answer::ok(object(&[
        ("app", &app),
        ("rotations", &trends.rotations),
        ("hours", &trends.hours),
        ("now", &platform::now()),
    ]))
}
