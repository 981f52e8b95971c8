//! `GET /healthz`: for load balancers and monitors. Without a key, so it says as little as it can.

use crate::answer::{self, Outcome};
use crate::call::Call;
use serde_json::json;

/// 200 when the centre as a whole is configured soundly, else 503. No I/O.
pub(crate) fn show(call: &Call) -> Outcome {
    if call.centre.config.fatal().next().is_none() {
        answer::ok(&json!({"status": "ok"}))
    } else {
        answer::with_status(&json!({"status": "misconfigured"}), 503)
    }
}
