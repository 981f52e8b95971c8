//! `POST /v1/alerts/test`: sends a message to the receiver of alerts, to see that it arrives.

use crate::answer::{self, Outcome};
use crate::context::RequestContext;
use crate::platform;
use crate::webhook::send;
use serde::Serialize;
use zhongkong_core::alert::Notice;

#[derive(Serialize)]
struct Body {
    delivered: bool,
    detail: Option<String>,
}

/// Sends it: 200 with whether the receiver has taken the message, and why not.
pub(crate) async fn send_one(request: &RequestContext) -> Outcome {
    let Some(webhook) = &request.centre.config.webhook else {
        let detail = "ALERT_WEBHOOK is missing, or a setting beside it is wrong: see faults in GET /v1/apps.";
        return answer::ok(&Body { delivered: false, detail: Some(detail.to_owned()) });
    };
    let now = platform::now();
    let sent = send(webhook, &webhook.envelope(None, &Notice::test(now), now)).await;
    answer::ok(&Body { delivered: sent.is_ok(), detail: sent.err() })
}
