//! The Durable Objects: one Keeper for each app, the only one that asks its provider for credentials; and the
//! scheduler, which knows when each of them wants to be woken.
//!
//! What they do is decided in the core; here it is carried out.

mod announce;
mod counts;
mod history;
mod instance;
mod keeper;
mod notices;
mod scheduler;
mod settings;
mod storage;

use std::time::Duration;
use worker::{ScheduledTime, State};
use zhongkong_core::encoding::Unreadable;

/// After a failure of an alarm itself, for instance of SQLite.
const ALARM_AGAIN: Duration = Duration::from_secs(30);

/// JSON of another form, as an error of the platform's.
pub(crate) fn unreadable(unreadable: Unreadable) -> worker::Error {
    worker::Error::RustError(unreadable.to_string())
}

async fn set_alarm_at(state: &State, at_ms: u64) -> worker::Result<()> {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let at = js_sys::Date::new(&wasm_bindgen::JsValue::from_f64(at_ms as f64));
    state.storage().set_alarm(ScheduledTime::new(at)).await
}

async fn set_alarm_in(state: &State, pause: Duration) -> worker::Result<()> {
    let pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
    set_alarm_at(state, crate::platform::now_millis().saturating_add(pause_ms)).await
}
