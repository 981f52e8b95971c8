//! Sending to WeChat. The only place in the Worker that does it for credentials.
//!
//! Nothing about a request is ever put into an error or a log: the plain token API carries the
//! AppSecret in its URL.

use crate::{body, js};
use futures_util::future::{Either, select};
use std::pin::pin;
use std::time::Duration;
use worker::web_sys::{RequestCache, RequestInit, RequestRedirect};
use worker::{AbortController, Delay, Fetch, Headers, Request};
use zhongkong_core::secret::Secret;
use zhongkong_core::wechat::reply::is_reply;
use zhongkong_core::wechat::{ApiRequest, Failure};

/// So long one host may take, reply included.
const PATIENCE: Duration = Duration::from_secs(8);

/// No honest reply to a request for a credential is larger. One that is cut off is found to be none.
const MAX_REPLY_BYTES: usize = 64 * 1024;

/// What came back.
pub(super) struct Reply {
    /// The number of the host that gave it.
    pub(super) host: usize,
    /// The HTTP status. WeChat itself refuses with 200 and an errcode.
    pub(super) status: u16,
    /// Whatever that host said.
    pub(super) body: Vec<u8>,
}

/// Sends a request to one host after the other, until one gives a reply of WeChat, and gives back that;
/// what a gateway in between says is passed on only if no host does better.
pub(super) async fn send(
    hosts: &[String],
    request: &ApiRequest,
    gateway_key: Option<&Secret>,
) -> Result<Reply, Failure> {
    let mut garbled = None;
    for (number, host) in hosts.iter().enumerate() {
        let abort = AbortController::default();
        let signal = abort.signal();
        let exchange = async {
            let request = build(host, request, gateway_key)?;
            let response = Fetch::Request(request).send_with_signal(&signal).await?;
            let status = response.status_code();
            Ok::<_, worker::Error>((status, body::at_most(response, MAX_REPLY_BYTES).await?))
        };
        match select(pin!(exchange), pin!(Delay::from(PATIENCE))).await {
            Either::Left((Ok((status, body)), _)) => {
                let reply = Reply { host: number, status, body };
                if is_reply(&reply.body) {
                    return Ok(reply);
                }
                garbled = Some(reply);
            }
            // The error's text may hold the URL: it ends here.
            Either::Left((Err(_), _)) => {}
            Either::Right(_) => abort.abort(),
        }
    }
    garbled.ok_or(Failure::Unreachable)
}

fn build(host: &str, request: &ApiRequest, gateway_key: Option<&Secret>) -> worker::Result<Request> {
    let headers = Headers::new();
    let init = RequestInit::new();
    // A redirect would carry the secret to wherever it points.
    init.set_redirect(RequestRedirect::Manual);
    // Nothing on the way keeps a credential.
    init.set_cache(RequestCache::NoStore);
    if let Some(body) = &request.body {
        headers.set("Content-Type", "application/json")?;
        init.set_method("POST");
        init.set_body(&body.as_str().into());
    }
    if let Some(key) = gateway_key_for(host, gateway_key) {
        headers.set("X-Gateway-Key", key.expose())?;
    }
    js::request(&format!("{host}{}", request.path_and_query), &headers, &init)
}

/// The key goes to relays, not to WeChat.
pub(crate) fn gateway_key_for<'k>(host: &str, gateway_key: Option<&'k Secret>) -> Option<&'k Secret> {
    gateway_key.filter(|_| !is_wechats_own(host))
}

fn is_wechats_own(host: &str) -> bool {
    host.strip_prefix("https://")
        .is_some_and(|host| host == "api.weixin.qq.com" || host.ends_with(".weixin.qq.com"))
}
