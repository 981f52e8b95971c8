//! Business calls on their way to WeChat and back. Bodies stream; only a small one is kept, so that it can
//! be sent a second time.
//!
//! Nothing of a request's URL is logged or put into an error: it holds the token.

use crate::incoming::Incoming;
use crate::keeper::gateway_key_for;
use crate::{body, js};
use futures_util::future::{Either, select};
use js_sys::Uint8Array;
use std::pin::pin;
use std::time::Duration;
use worker::wasm_bindgen::JsValue;
use worker::web_sys::{RequestCache, RequestInit, RequestRedirect};
use worker::{AbortController, AbortSignal, Delay, Fetch, Headers, Response};
use zhongkong_core::config::ReadyApp;
use zhongkong_core::secret::Secret;
use zhongkong_core::wechat::{Verdict, reply};

/// A larger request is not kept for a second time.
const KEPT_BYTES: usize = 1024 * 1024;

/// WeChat's refusals are shorter than this; what is longer is not looked into.
const REFUSAL_BYTES: usize = 4 * 1024;

/// WeChat begins to answer within this, or the call is given up. Its body may take longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What belongs to the connection, to us, to Cloudflare, or says who has asked.
const OURS: [&str; 24] = [
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "origin",
    "proxy-authorization",
    "proxy-connection",
    "referer",
    "te",
    "trailer",
    "transfer-encoding",
    "true-client-ip",
    "upgrade",
    "via",
    "x-client-ip",
    "x-gateway-key",
    "x-http-method-override",
    "x-original-url",
    "x-real-ip",
    "x-rewrite-url",
];

/// A request as it goes on.
pub(super) struct Outgoing {
    method: String,
    headers: Vec<(String, String)>,
    body: Body,
}

enum Body {
    None,
    Kept(Vec<u8>),
    Stream(JsValue),
    /// It was a stream, and has been sent.
    Gone,
}

impl Outgoing {
    /// Takes a request over; a small body is read. One that states no length is read as well, since WeChat
    /// takes no body without (412).
    ///
    /// # Errors
    /// What to tell the caller.
    pub(super) async fn of(request: &Incoming) -> Result<Self, &'static str> {
        let method = request.method.clone();
        let passes = |name: &str| {
            !OURS.contains(&name)
                && !name.starts_with("cf-")
                && !name.starts_with("x-forwarded-")
                && name != "cdn-loop"
        };
        let headers: Vec<(String, String)> =
            request.headers().entries().filter(|(name, _)| passes(&name.to_ascii_lowercase())).collect();
        let body = match (request.stream(), request.stated_bytes()) {
            (None, _) => Body::None,
            _ if method == "GET" => Body::None,
            (Some(stream), Some(bytes)) if bytes > KEPT_BYTES => Body::Stream(stream.into()),
            _ => {
                // A body that is small, or does not say how large it is.
                let body = request.body(KEPT_BYTES).await.map_err(|_| "The body could not be read.")?;
                if body.len() > KEPT_BYTES {
                    return Err("A body of more than 1 MB has to state its Content-Length.");
                }
                Body::Kept(body)
            }
        };
        Ok(Self { method, headers, body })
    }

    /// Whether it can be sent a second time.
    pub(super) const fn is_repeatable(&self) -> bool {
        matches!(self.body, Body::None | Body::Kept(_))
    }

    /// Sends it to WeChat. A request without a body goes to the next host when one cannot be reached, unless
    /// it is for `once`; any other might be done twice.
    pub(super) async fn send(
        &mut self,
        ready: &ReadyApp,
        gateway_key: Option<&Secret>,
        path_and_query: &str,
        once: bool,
    ) -> Option<Response> {
        let again = matches!(self.body, Body::None) && !once;
        let tries = if again { ready.app.api_hosts.len() } else { 1 };
        let mut answered = None;
        for host in ready.app.api_hosts.iter().take(tries) {
            let abort = AbortController::default();
            let signal = abort.signal();
            let sent = pin!(self.send_to(host, gateway_key, path_and_query, &signal));
            match select(sent, pin!(Delay::from(PATIENCE))).await {
                Either::Left((Ok(response), _)) => match response.status_code() {
                    // It may point anywhere, and repeats the query, which holds the token.
                    300..=399 => {}
                    // A gateway's word, or Cloudflare's for a host that is not there.
                    502..=504 | 520..=530 => answered = Some(response),
                    _ => return Some(response),
                },
                // The error's text may hold the URL: it ends here.
                Either::Left((Err(_), _)) => {}
                Either::Right(_) => abort.abort(),
            }
        }
        answered
    }

    async fn send_to(
        &mut self,
        host: &str,
        gateway_key: Option<&Secret>,
        path_and_query: &str,
        signal: &AbortSignal,
    ) -> worker::Result<Response> {
        let headers = Headers::new();
        for (name, value) in &self.headers {
            headers.append(name, value)?;
        }
        if let Some(key) = gateway_key_for(host, gateway_key) {
            headers.set("X-Gateway-Key", key.expose())?;
        }
        let init = RequestInit::new();
        // A redirect would carry the token to wherever it points.
        init.set_redirect(RequestRedirect::Manual);
        init.set_method(&self.method);
        // Nothing on the way keeps an answer that belongs to a token.
        init.set_cache(RequestCache::NoStore);
        match std::mem::replace(&mut self.body, Body::Gone) {
            Body::None => self.body = Body::None,
            Body::Kept(bytes) => {
                init.set_body(&Uint8Array::new_from_slice(&bytes));
                self.body = Body::Kept(bytes);
            }
            Body::Stream(stream) => init.set_body(&stream),
            Body::Gone => return Err(worker::Error::RustError("the body has been sent".to_owned())),
        }
        let request = js::request(&format!("{host}{path_and_query}"), &headers, &init)?;
        Fetch::Request(request).send_with_signal(signal).await
    }
}

/// Whether WeChat says that the token is dead. Only a short reply that may be JSON is looked into, and the
/// reply stays whole.
pub(super) async fn says_dead(response: &mut Response) -> bool {
    let header = |name: &str| response.headers().get(name).ok().flatten();
    let kind = header("Content-Type").unwrap_or_default();
    let maybe_json = kind.is_empty() || kind.contains("json") || kind.contains("text");
    let stated = header("Content-Length").and_then(|text| text.parse::<usize>().ok());
    if !maybe_json || stated.is_some_and(|bytes| bytes > REFUSAL_BYTES) {
        return false;
    }
    let Ok(copy) = response.cloned() else { return false };
    let beginning = body::at_most(copy, REFUSAL_BYTES + 1).await.unwrap_or_default();
    beginning.len() <= REFUSAL_BYTES && reply::probe(&beginning) == Verdict::Dead
}
