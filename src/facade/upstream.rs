//! Business calls on their way to WeChat. Bodies stream; only a small one is kept, so that it can be sent a second
//! time.
//!
//! Nothing of a request's URL is logged or put into an error: it holds the token.

use super::sending::{Body, Handed, Sent};
use crate::context::RequestContext;
use crate::platform;
use crate::upstream::gateway_key_for;
use futures_util::future::{Either, select};
use js_sys::futures::JsFuture;
use std::time::Duration;
use wasm_bindgen::{JsCast as _, JsValue};
use worker::web_sys::{RequestCache, RequestInit, RequestRedirect, Response, WorkerGlobalScope};
use worker::{Context, Headers};
use zhongkong_core::config::ReadyApp;
use zhongkong_core::facade::coding::only_unpacked;
use zhongkong_core::facade::{OwnKeys, named_by_connection};
use zhongkong_core::secret::Secret;

/// WeChat begins to answer within this from when it has the whole request (RFC 9110, 9.3), or the call is given up. The
/// body of its answer may take longer.
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

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unsent {
    /// No host has answered in time.
    Unanswered,
    /// The caller's body stopped coming.
    Stopped,
}

/// A request as it goes on.
pub(super) struct Outgoing {
    method: &'static str,
    headers: Headers,
    body: Body,
}

impl Outgoing {
    /// Takes a request over; a small body is read. One that states no length is read as well, since WeChat
    /// takes no body without (412). `by` is the caller; With `hides` it is not asked for in parts.
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
        let all = request.headers();
        let hop_by_hop = named_by_connection(&all);
        for (name, value) in all.into_iter().filter(|(name, _)| goes_up(name) && !hop_by_hop.contains(name)) {
            // Another would be refused on its way back, when the call has been carried out.
            let value = if name == "accept-encoding" { only_unpacked(&value) } else { value };
            if own_keys.stand_in(&value) {
                return Err("A caller's key or virtual token stands in a header that goes on to WeChat.");
            }
            headers.append(&name, &value).map_err(|_| "A header could not be read.")?;
        }
        let method = if request.head().method == "POST" { "POST" } else { "GET" };
        let body = match request.stream() {
            Some(stream) if method == "POST" => Body::of(request, by, own_keys, stream).await?,
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
        context: &Context,
        ready: &ReadyApp,
        gateway_key: Option<&Secret>,
        path_and_query: &str,
        once: bool,
    ) -> Result<Response, Unsent> {
        let again = matches!(self.body, Body::None) && !once;
        let tries = if again { ready.app.api_hosts.len() } else { 1 };
        let mut answered = None;
        for host in ready.app.api_hosts.iter().take(tries) {
            let response = match self.send_to(context, host, gateway_key, path_and_query).await {
                Ok(response) => response,
                Err(Unsent::Unanswered) => continue,
                Err(Unsent::Stopped) => return Err(Unsent::Stopped),
            };
            match response.status() {
                // Not a redirect: nothing has changed since.
                304 => return Ok(response),
                // It may point anywhere, and repeats the query, which holds the token.
                300..=399 => {}
                // A gateway's word, or Cloudflare's for a host that is not there.
                502..=504 | 520..=530 => answered = Some(response),
                _ => return Ok(response),
            }
        }
        answered.ok_or(Unsent::Unanswered)
    }

    /// The answer of one host. Why there is none is not told in its own words: an error's text may hold the URL.
    async fn send_to(
        &mut self,
        context: &Context,
        host: &str,
        gateway_key: Option<&Secret>,
        path_and_query: &str,
    ) -> Result<Response, Unsent> {
        let set = match gateway_key_for(host, gateway_key) {
            Some(key) => self.headers.set(GATEWAY_KEY, key.expose()),
            // The host before may have been a relay.
            None if gateway_key.is_some() => self.headers.delete(GATEWAY_KEY),
            None => Ok(()),
        };
        set.map_err(|_| Unsent::Unanswered)?;
        let body = self.body.hand(context).ok_or(Unsent::Unanswered)?;
        let init = RequestInit::new();
        // A redirect would carry the token to wherever it points, and nothing on the way keeps what belongs to one.
        init.set_redirect(RequestRedirect::Manual);
        init.set_cache(RequestCache::NoStore);
        init.set_method(self.method);
        init.set_headers(self.headers.as_ref());
        match &body {
            Handed::Nothing => {}
            Handed::Whole(bytes) => init.set_body(bytes),
            Handed::Piped(stream, _) => init.set_body(stream),
        }
        // Not by `worker::Fetch`, which makes a Request of it first and asks that and the answer for more than is read here: a
        // seventh of what a call costs.
        let global: WorkerGlobalScope = js_sys::global().unchecked_into();
        let mut answer =
            JsFuture::from(global.fetch_with_str_and_init(&format!("{host}{path_and_query}"), &init));
        if let Handed::Piped(_, sent) = body {
            match select(&mut answer, sent).await {
                Either::Left((answer, _)) => return response_of(answer),
                Either::Right((Ok(Sent::Stopped), _)) => return Err(Unsent::Stopped),
                // It has the whole request, or takes no more of it.
                Either::Right(_) => {}
            }
        }
        // A call that is late is closed by the runtime with the request that it was made for: an AbortController for each would
        // cost more than its timer.
        response_of(platform::timeout(answer, PATIENCE).await.ok_or(Unsent::Unanswered)?)
    }
}

fn response_of(answer: Result<JsValue, JsValue>) -> Result<Response, Unsent> {
    answer.ok().and_then(|answer| answer.dyn_into().ok()).ok_or(Unsent::Unanswered)
}
