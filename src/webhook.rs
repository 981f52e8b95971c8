//! Sending a message to the receiver of alerts. What it says is not logged, but for its code, nor is its address, which is a
//! key.

use crate::exchange::{NoAnswer, exchange};
use std::time::Duration;
use worker::Headers;
use zhongkong_core::alert::{Envelope, Webhook};

/// So long a receiver may take.
const PATIENCE: Duration = Duration::from_secs(8);

/// Its answer says whether it has taken the message within so many bytes.
const MAX_ANSWER_BYTES: usize = 4096;

/// Sends a message; says why it has not arrived, without a word of the receiver's but its code.
pub(crate) async fn send(webhook: &Webhook, envelope: &Envelope) -> Result<(), String> {
    let unreachable = || "the receiver could not be reached".to_owned();
    let headers = headers(envelope).map_err(|_| unreachable())?;
    // One that says nothing there may keep it open for as long as it likes.
    let wanted = if webhook.format.answers_with_code() { MAX_ANSWER_BYTES } else { 0 };
    let body = Some(envelope.body.as_str());
    match exchange(envelope.url.expose(), headers, body, PATIENCE, wanted).await {
        Ok((status, answer)) if webhook.format.has_taken(status, &answer) => Ok(()),
        Ok((status, answer)) => {
            let code =
                webhook.format.code(&answer).map(|code| format!(" and code {code}")).unwrap_or_default();
            Err(format!("the receiver refused it, with status {status}{code}"))
        }
        Err(NoAnswer::Unreachable) => Err(unreachable()),
        Err(NoAnswer::Late) => Err("the receiver took too long".to_owned()),
    }
}

fn headers(envelope: &Envelope) -> worker::Result<Headers> {
    let headers = Headers::new();
    headers.set("Content-Type", "application/json; charset=utf-8")?;
    for (name, value) in &envelope.headers {
        headers.set(name, value)?;
    }
    Ok(headers)
}
