//! Business calls on their way to WeChat. Bodies stream; only a small one is kept, so that it can be sent a second
//! time.
//!
//! Nothing of a request's URL is logged or put into an error: it holds the token.

use crate::body::{self, BrokenOff};
use crate::context::RequestContext;
use crate::platform;
use crate::upstream::gateway_key_for;
use js_sys::Uint8Array;
use js_sys::futures::JsFuture;
use std::time::Duration;
use wasm_bindgen::{JsCast as _, JsValue};
use worker::Headers;
use worker::web_sys::{
    ReadableStream, RequestCache, RequestInit, RequestRedirect, Response, WorkerGlobalScope,
};
use zhongkong_core::config::ReadyApp;
use zhongkong_core::facade::OwnKeys;
use zhongkong_core::facade::coding::only_unpacked;
use zhongkong_core::facade::kept::{Budget, Share};
use zhongkong_core::secret::Secret;

/// A larger request is not kept for a second time.
const KEPT_BYTES: usize = 1024 * 1024;

/// All that are kept at once in an isolate, which has 128 MB. Beyond it a body is passed on as it comes, once.
const KEPT_TOGETHER: usize = 24 * 1024 * 1024;

thread_local! {
    static KEPT: Budget = Budget::of(KEPT_TOGETHER);
}

/// WeChat begins to answer within this, or the call is given up. Its body may take longer.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// Headers that go on to WeChat. All others stay here: what belongs to the connection, to us or to Cloudflare, what
/// says who has asked, and what a caller may have put its key into.
const GOING_UP: [&str; 14] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "content-encoding",
    "content-language",
    "content-md5",
    "content-type",
    "if-modified-since",
    "if-none-match",
    "traceparent",
    "tracestate",
    "user-agent",
    "x-request-id",
    "x-requested-with",
];

/// Those that ask for a part of an answer: where there is nothing in it to hide. By parts of a few bytes a secret could be
/// carried off unseen.
const OF_PARTS: [&str; 2] = ["range", "if-range"];

/// WeChat's own (服务端 API 签名 signs requests by them).
const OF_WECHAT: [&str; 2] = ["wechatmp-", "wechatpay-"];

const GATEWAY_KEY: &str = "X-Gateway-Key";

/// A request as it goes on.
pub(super) struct Outgoing {
    method: &'static str,
    headers: Headers,
    body: Body,
}

enum Body {
    None,
    /// Its bytes, which stay where they are: in JavaScript.
    Kept(JsValue, Share),
    Stream(ReadableStream),
    /// It was a stream, and has been sent.
    Gone,
}

impl Outgoing {
    /// Takes a request over; a small body is read. One that states no length is read as well, since WeChat
    /// takes no body without (412). `by` is the caller; `hides` says whether the answer will be searched for secrets.
    ///
    /// # Errors
    /// What to tell the caller.
    pub(super) async fn of(
        request: &RequestContext,
        by: &str,
        own_keys: &OwnKeys<'_>,
        hides: bool,
    ) -> Result<Self, &'static str> {
        let goes_up = |name: &str| {
            GOING_UP.contains(&name)
                || (!hides && OF_PARTS.contains(&name))
                || OF_WECHAT.iter().any(|prefix| name.starts_with(prefix))
        };
        let headers = Headers::new();
        for (name, value) in request.headers().into_iter().filter(|(name, _)| goes_up(name)) {
            // Another would be refused on its way back, when the call has been carried out.
            let is_narrowed = name == "accept-encoding" && hides;
            let value = if is_narrowed { only_unpacked(&value) } else { value };
            if own_keys.stand_in(&value) {
                return Err("A caller's key or virtual token stands in a header that goes on to WeChat.");
            }
            headers.append(&name, &value).map_err(|_| "A header could not be read.")?;
        }
        let method = if request.head().method == "POST" { "POST" } else { "GET" };
        let body = match request.stream() {
            Some(stream) if method == "POST" => Body::of(request, by, stream).await?,
            _ => Body::None,
        };
        Ok(Self { method, headers, body })
    }

    /// Whether it can be sent a second time.
    pub(super) const fn is_repeatable(&self) -> bool {
        matches!(self.body, Body::None | Body::Kept(..))
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
            let Some(response) = self.send_to(host, gateway_key, path_and_query).await else { continue };
            match response.status() {
                // Not a redirect: nothing has changed since.
                304 => return Some(response),
                // It may point anywhere, and repeats the query, which holds the token.
                300..=399 => {}
                // A gateway's word, or Cloudflare's for a host that is not there.
                502..=504 | 520..=530 => answered = Some(response),
                _ => return Some(response),
            }
        }
        answered
    }

    /// The answer of one host; `None` where there is none in time. Why is not told: an error's text may hold the URL.
    async fn send_to(
        &mut self,
        host: &str,
        gateway_key: Option<&Secret>,
        path_and_query: &str,
    ) -> Option<Response> {
        match gateway_key_for(host, gateway_key) {
            Some(key) => self.headers.set(GATEWAY_KEY, key.expose()).ok()?,
            // The host before may have been a relay.
            None if gateway_key.is_some() => self.headers.delete(GATEWAY_KEY).ok()?,
            None => {}
        }
        let body = self.body.take()?;
        let init = RequestInit::new();
        // A redirect would carry the token to wherever it points, and nothing on the way keeps what belongs to one.
        init.set_redirect(RequestRedirect::Manual);
        init.set_cache(RequestCache::NoStore);
        init.set_method(self.method);
        init.set_headers(self.headers.as_ref());
        if let Some(body) = body {
            init.set_body(&body);
        }
        // Not by `worker::Fetch`, which makes a Request of it first and asks that and the answer for more than is read here: a
        // seventh of what a call costs.
        let global: WorkerGlobalScope = js_sys::global().unchecked_into();
        let answer = global.fetch_with_str_and_init(&format!("{host}{path_and_query}"), &init);
        // A call that is late is closed by the runtime with the request that it was made for: an AbortController for each would
        // cost more than its timer.
        let answer = platform::timeout(JsFuture::from(answer), PATIENCE).await?.ok()?;
        answer.dyn_into().ok()
    }
}

impl Body {
    async fn of(request: &RequestContext, by: &str, stream: ReadableStream) -> Result<Self, &'static str> {
        let unread = "The body could not be read.";
        match request.stated_bytes() {
            Some(stated) => {
                let Some(room) = Some(stated)
                    .filter(|stated| *stated <= KEPT_BYTES)
                    .and_then(|stated| KEPT.with(|kept| kept.take(by, stated)))
                else {
                    return Ok(Self::Stream(stream));
                };
                let bytes = request.array_buffer().await.map_err(|BrokenOff| unread)?;
                // A Worker that calls by a binding may state what it likes.
                if bytes.byte_length() as usize > KEPT_BYTES {
                    return Err("The body is longer than its Content-Length says.");
                }
                Ok(Self::Kept(bytes.into(), room))
            }
            None => {
                let full = "Too many bodies of yours are on their way: send this one with its Content-Length, or again in a moment.";
                let room = KEPT.with(|kept| kept.take(by, KEPT_BYTES)).ok_or(full)?;
                let bytes = body::of_request(stream, KEPT_BYTES).await.map_err(|BrokenOff| unread)?;
                if bytes.len() > KEPT_BYTES {
                    return Err("A body of more than 1 MB has to state its Content-Length.");
                }
                Ok(Self::Kept(Uint8Array::new_from_slice(&bytes).into(), room))
            }
        }
    }

    /// What is to be sent, and `None` within for nothing; `None` for a stream that has been sent.
    fn take(&mut self) -> Option<Option<JsValue>> {
        match std::mem::replace(self, Self::Gone) {
            Self::None => {
                *self = Self::None;
                Some(None)
            }
            Self::Kept(bytes, room) => {
                *self = Self::Kept(bytes.clone(), room);
                Some(Some(bytes))
            }
            Self::Stream(stream) => Some(Some(stream.into())),
            Self::Gone => None,
        }
    }
}
