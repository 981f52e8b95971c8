//! `GET /healthz`: for load balancers and monitors. Without a key, so it says as little as it can.

use crate::answer::{self, Outcome};
use crate::context::RequestContext;
use serde::Serialize;

#[derive(Serialize)]
struct Body {
    status: &'static str,
}

/// 200 when the centre as a whole is configured soundly, else 503. No I/O.
pub(crate) fn show(request: &RequestContext) -> Outcome {
    if request.centre.config.fatal().next().is_none() {
        answer::ok(&Body { status: "ok" })
    } else {
        answer::with_status(&Body { status: "misconfigured" }, 503)
    }
}
