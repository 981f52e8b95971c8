//! Sending a message to the receiver of alerts. What it says is not logged, but for its code, nor is its address, which is a
//! key.

use crate::{body, js};
use futures_util::future::{Either, select};
use std::pin::pin;
use std::time::Duration;
use worker::web_sys::{RequestInit, RequestRedirect};
use worker::{AbortController, Delay, Fetch, Headers, Request};
use zhongkong_core::alert::{Envelope, Webhook};

/// So long a receiver may take.
const PATIENCE: Duration = Duration::from_secs(8);

/// Its answer says whether it has taken the message within so many bytes.
const MAX_ANSWER_BYTES: usize = 4096;

/// Sends a message; says why it has not arrived, without a word of the receiver's but its code.
pub(crate) async fn send(webhook: &Webhook, envelope: &Envelope) -> Result<(), String> {
    let abort = AbortController::default();
    let signal = abort.signal();
    let exchange = async {
        let response = Fetch::Request(build(envelope)?).send_with_signal(&signal).await?;
        let status = response.status_code();
        // One that says nothing there may keep it open for as long as it likes.
        let wanted = if webhook.format.answers_with_code() { MAX_ANSWER_BYTES } else { 0 };
        let answer = if wanted > 0 { body::at_most(response, wanted).await? } else { Vec::new() };
        Ok::<_, worker::Error>((status, answer))
    };
    let outcome = match select(pin!(exchange), pin!(Delay::from(PATIENCE))).await {
        Either::Left((outcome, _)) => Some(outcome),
        Either::Right(_) => None,
    };
    // Whatever is still open, read or not, is closed.
    abort.abort();
    match outcome {
        Some(Ok((status, answer))) if webhook.format.has_taken(status, &answer) => Ok(()),
        Some(Ok((status, answer))) => {
            let code =
                webhook.format.code(&answer).map(|code| format!(" and code {code}")).unwrap_or_default();
            Err(format!("the receiver refused it, with status {status}{code}"))
        }
        // The error's text may hold the URL: it ends here.
        Some(Err(_)) => Err("the receiver could not be reached".to_owned()),
        None => Err("the receiver took too long".to_owned()),
    }
}

fn build(envelope: &Envelope) -> worker::Result<Request> {
    let headers = Headers::new();
    headers.set("Content-Type", "application/json; charset=utf-8")?;
    for (name, value) in &envelope.headers {
        headers.set(name, value)?;
    }
    let init = RequestInit::new();
    // What is sent is for this receiver, not for wherever it points.
    init.set_redirect(RequestRedirect::Manual);
    init.set_method("POST");
    init.set_body(&envelope.body.as_str().into());
    js::request(envelope.url.expose(), &headers, &init)
}
