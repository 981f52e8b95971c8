//! `GET /healthz`: for load balancers and monitors. Without a key, so it says as little as it can.

use crate::answer::{self, Outcome};
use crate::call::Call;
use zhongkong_core::json::object;

/// 200 when the centre as a whole is configured soundly, else 503. No I/O.
pub(crate) fn show(call: &Call) -> Outcome {
    if call.centre.config.fatal().next().is_none() {
        answer::ok(object(&[("status", &"ok")]))
    } else {
        answer::with_status(object(&[("status", &"misconfigured")]), 503)
    }
}
