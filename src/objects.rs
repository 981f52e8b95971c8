//! The Durable Objects: one Keeper for each app, the only one that asks its provider for credentials; and the
//! scheduler, which knows when each of them wants to be woken.
//!
//! What they do is decided in the core; here it is carried out.

mod announce;
mod database;
mod instance;
mod keeper;
mod notices;
mod scheduler;

use serde_json::json;
use worker::{ScheduledTime, State};
use zhongkong_core::encoding::Unreadable;
use zhongkong_core::keeper::ALARM_AGAIN_S;
use zhongkong_core::time::UnixTime;

/// JSON of another form, as an error of the platform's.
pub(crate) fn unreadable(unreadable: Unreadable) -> worker::Error {
    worker::Error::RustError(unreadable.to_string())
}

async fn set_alarm_at(state: &State, at_ms: u64) -> worker::Result<()> {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let at = js_sys::Date::new(&wasm_bindgen::JsValue::from_f64(at_ms as f64));
    state.storage().set_alarm(ScheduledTime::new(at)).await
}

async fn set_alarm(state: &State, at: UnixTime) -> worker::Result<()> {
    set_alarm_at(state, at.as_secs().saturating_mul(1000)).await
}

/// The runtime drops an alarm that fails again and again, so a failure is caught, and the alarm set anew.
async fn alarm_failed(state: &State, error: &worker::Error) -> worker::Result<()> {
    crate::log::warn("alarm_failed", json!({"detail": error.to_string()}));
    set_alarm(state, crate::platform::now().plus(ALARM_AGAIN_S)).await
}
