//! Sending to WeChat. The only place in the Worker that does it for credentials.
//!
//! Nothing about a request is ever put into an error or a log: the plain token API carries the
//! AppSecret in its URL.

use crate::exchange::exchange;
use std::time::Duration;
use worker::Headers;
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
        let headers = headers(host, request, gateway_key)?;
        let url = format!("{host}{}", request.path_and_query);
        let answer = exchange(&url, headers, request.body.as_deref(), PATIENCE, MAX_REPLY_BYTES);
        if let Ok((status, body)) = answer.await {
            let reply = Reply { host: number, status, body };
            if is_reply(&reply.body) {
                return Ok(reply);
            }
            garbled = Some(reply);
        }
    }
    garbled.ok_or(Failure::Unreachable)
}

fn headers(host: &str, request: &ApiRequest, gateway_key: Option<&Secret>) -> Result<Headers, Failure> {
    let headers = || {
        let headers = Headers::new();
        if request.body.is_some() {
            headers.set("Content-Type", "application/json")?;
        }
        if let Some(key) = gateway_key_for(host, gateway_key) {
            headers.set("X-Gateway-Key", key.expose())?;
        }
        Ok(headers)
    };
    headers().map_err(|_: worker::Error| Failure::Unreachable)
}

/// The key goes to relays, not to WeChat.
pub(crate) fn gateway_key_for<'k>(host: &str, gateway_key: Option<&'k Secret>) -> Option<&'k Secret> {
    gateway_key.filter(|_| !is_wechats_own(host))
}

fn is_wechats_own(host: &str) -> bool {
    host.strip_prefix("https://")
        .is_some_and(|host| host == "api.weixin.qq.com" || host.ends_with(".weixin.qq.com"))
}
