//! `POST /v1/alerts/test`: sends a message to the receiver of alerts, to see that it arrives.

use crate::answer::{self, Outcome};
use crate::call::Call;
use crate::platform;
use crate::webhook::send;
use zhongkong_core::alert::Notice;
use zhongkong_core::json::object;

/// Sends it: 200 with whether the receiver has taken the message, and why not.
pub(crate) async fn send_one(call: &Call) -> Outcome {
    let Some(webhook) = &call.centre.config.webhook else {
        let detail = "ALERT_WEBHOOK is missing, or a setting beside it is wrong: see faults in GET /v1/apps.";
        return answer::ok(object(&[("delivered", &false), ("detail", &detail)]));
    };
    let now = platform::now();
    let sent = send(webhook, &webhook.envelope(None, &Notice::test(now), now)).await;
    answer::ok(object(&[("delivered", &sent.is_ok()), ("detail", &sent.err())]))
}
