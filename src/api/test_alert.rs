//! `POST /v1/alerts/test`: sends a message to the receiver of alerts, to see that it arrives. For callers of all apps, and
//! once a minute: people read it.

use crate::answer::{self, Outcome};
use crate::context::RequestContext;
use crate::webhook::send;
use crate::{client, log, platform};
use serde::Serialize;
use serde_json::json;
use zhongkong_core::alert::Notice;
use zhongkong_core::problem::{Code, Problem};
use zhongkong_core::protocol::{SchedulerAsk, SchedulerReply};
use zhongkong_core::time::UnixTime;

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
    in_turn(request, now).await?;
    let sent = send(webhook, &webhook.envelope(None, &Notice::test(now), now)).await;
    answer::ok(&Body { delivered: sent.is_ok(), detail: sent.err() })
}

/// 429 within a minute of the last one; the scheduler keeps the time, for all isolates.
async fn in_turn(request: &RequestContext, now: UnixTime) -> Result<(), Problem> {
    match client::ask_scheduler(&request.env, &SchedulerAsk::TestAlert { now }).await {
        Ok(SchedulerReply::TestAlert { wait_s: 0 }) => Ok(()),
        Ok(SchedulerReply::TestAlert { wait_s }) => {
            let detail =
                "A test message was sent within the last minute; look there, or send another one later.";
            Err(Problem::new(Code::RateLimited, detail).retry_after(wait_s))
        }
        Ok(_) | Err(_) => {
            log::warn("scheduler_unreachable", json!({"by": "test_alert"}));
            let detail =
                "The scheduler, which counts test messages, did not answer: send it again in a moment.";
            Err(Problem::new(Code::Unavailable, detail).retry_after(2))
        }
    }
}
