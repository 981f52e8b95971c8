//! Sending to a provider. The only place in the Worker that does it for credentials.
//!
//! Nothing about a request is ever put into an error or a log: the plain token API carries the AppSecret in its URL.

use crate::exchange::exchange;
use std::time::Duration;
use worker::Headers;
use zhongkong_core::config::Config;
use zhongkong_core::keeper::Answered;
use zhongkong_core::providers::ApiRequest;
use zhongkong_core::secret::Secret;

/// So long one host may take, reply included.
const PATIENCE: Duration = Duration::from_secs(8);

/// No honest reply to a request for a credential is larger. One that is cut off is found to be none.
const MAX_REPLY_BYTES: usize = 64 * 1024;

/// Sends a request to a host.
pub(crate) async fn send(host: &str, request: &ApiRequest, config: &Config) -> Answered {
    let Ok(headers) = headers(host, request, config.gateway_key.as_ref()) else { return Answered::Nothing };
    let url = format!("{host}{}", request.path_and_query);
    match exchange(&url, headers, request.body.as_deref(), PATIENCE, MAX_REPLY_BYTES).await {
        Ok((status, body)) => Answered::Reply { status, body },
        Err(_) => Answered::Nothing,
    }
}

fn headers(host: &str, request: &ApiRequest, gateway_key: Option<&Secret>) -> worker::Result<Headers> {
    let headers = Headers::new();
    if request.body.is_some() {
        headers.set("Content-Type", "application/json")?;
    }
    if let Some(key) = gateway_key_for(host, gateway_key) {
        headers.set("X-Gateway-Key", key.expose())?;
    }
    Ok(headers)
}

/// The key goes to relays, not to WeChat.
pub(crate) fn gateway_key_for<'k>(host: &str, gateway_key: Option<&'k Secret>) -> Option<&'k Secret> {
    gateway_key.filter(|_| !is_wechats_own(host))
}

fn is_wechats_own(host: &str) -> bool {
    host.strip_prefix("https://")
        .is_some_and(|host| host == "api.weixin.qq.com" || host.ends_with(".weixin.qq.com"))
}
