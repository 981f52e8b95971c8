//! Business calls on their way to WeChat and back. Bodies stream; only a small one is kept, so that it can
//! be sent a second time.
//!
//! Nothing of a request's URL is logged or put into an error: it holds the token.

use crate::call::Call;
use crate::glue::{self, BrokeOff};
use crate::incoming::Incoming;
use crate::keeper::gateway_key_for;
use js_sys::{RegExp, Uint8Array};
use std::rc::Rc;
use std::time::Duration;
use wasm_bindgen::JsValue;
use web_sys::{Headers, Response};
use zhongkong_core::config::ReadyApp;
use zhongkong_core::facade::scrub::Scrubber;
use zhongkong_core::record::Record;
use zhongkong_core::secret::Secret;
use zhongkong_core::wechat::{Verdict, reply};

/// A larger request is not kept for a second time.
const KEPT_BYTES: usize = 1024 * 1024;

/// WeChat's refusals are shorter than this; what is longer is not looked into.
const REFUSAL_BYTES: usize = 4 * 1024;

/// An answer to somebody who signs in is shorter than this.
const SIGN_IN_BYTES: usize = 64 * 1024;

/// WeChat begins to answer within this, or the call is given up. Its body may take longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Headers that stay here: what belongs to the connection, to us, to Cloudflare, or says who has asked.
const OURS: &str = "^(?:authorization|connection|content-length|cookie|expect|forwarded|host|keep-alive|origin|\
    proxy-authorization|proxy-connection|referer|te|trailer|transfer-encoding|true-client-ip|upgrade|via|\
    x-client-ip|x-gateway-key|x-http-method-override|x-original-url|x-real-ip|x-rewrite-url|\
    cdn-loop|cf-.*|x-forwarded-.*)$";

const GATEWAY_KEY: &str = "X-Gateway-Key";

thread_local! {
    static LEFT: RegExp = RegExp::new(OURS, "");
}

/// A request as it goes on.
pub(super) struct Outgoing {
    method: String,
    headers: Headers,
    body: Body,
}

enum Body {
    None,
    Kept(JsValue),
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
    pub(super) async fn of(request: &Incoming, may_see: bool) -> Result<Self, &'static str> {
        let method = request.method.clone();
        let headers = LEFT.with(|left| request.headers_but(left));
        if !may_see {
            // By ranges of a few bytes a secret could be carried off unseen.
            for name in ["Range", "If-Range"] {
                headers.delete(name).map_err(|_| "The headers could not be read.")?;
            }
        }
        let body = match request.stream() {
            Some(stream) if method != "GET" => Body::of(request, stream.into()).await?,
            _ => Body::None,
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
            let Some(response) = self.send_to(host, gateway_key, path_and_query).await else { continue };
            match response.status() {
                // It may point anywhere, and repeats the query, which holds the token.
                300..=399 => {}
                // A gateway's word, or Cloudflare's for a host that is not there.
                502..=504 | 520..=530 => answered = Some(response),
                _ => return Some(response),
            }
        }
        answered
    }

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
        glue::send(&format!("{host}{path_and_query}"), &self.method, &self.headers, &body, PATIENCE).await
    }
}

impl Body {
    async fn of(request: &Incoming, stream: JsValue) -> Result<Self, &'static str> {
        let unread = |_: BrokeOff| "The body could not be read.";
        match request.stated_bytes() {
            Some(bytes) if bytes > KEPT_BYTES => Ok(Self::Stream(stream)),
            Some(_) => Self::kept(request.whole().await.map_err(unread)?),
            None => Self::kept(request.bytes(KEPT_BYTES).await.map_err(unread)?),
        }
    }

    fn kept(bytes: Uint8Array) -> Result<Self, &'static str> {
        if bytes.length() as usize > KEPT_BYTES {
            return Err("A body of more than 1 MB has to state its Content-Length.");
        }
        Ok(Self::Kept(bytes.into()))
    }

    /// What is to be sent; `None` for a stream that has been.
    fn take(&mut self) -> Option<JsValue> {
        match std::mem::replace(self, Self::Gone) {
            Self::None => {
                *self = Self::None;
                Some(JsValue::UNDEFINED)
            }
            Self::Kept(bytes) => {
                *self = Self::Kept(bytes.clone());
                Some(bytes)
            }
            Self::Stream(stream) => Some(stream),
            Self::Gone => None,
        }
    }
}

/// What no answer may give back: the AppSecret and the relay's key to nobody, these tokens to this caller.
pub(super) fn scrubber(call: &Call, ready: &ReadyApp, tokens: &[Rc<Record>]) -> Scrubber {
    let gateway_key = call.centre.config.gateway_key.as_ref();
    let secrets = [Some(&ready.app.secret), gateway_key].into_iter().flatten().map(Secret::expose);
    Scrubber::new(secrets.chain(tokens.iter().map(|record| record.value.expose())))
}

/// What WeChat has answered, and what is left of its body to pass on.
pub(crate) struct Answered {
    pub(crate) response: Response,
    /// Its bytes where they have been read, else the stream of them; `null` for none.
    pub(crate) body: JsValue,
    /// Whether it says that the token is dead.
    pub(super) says_dead: bool,
}

impl Answered {
    /// An answer that is passed on as it is.
    pub(super) fn of(response: Response) -> Self {
        let body = response.body().map_or(JsValue::NULL, JsValue::from);
        Self { response, body, says_dead: false }
    }

    /// A short answer of WeChat's form; `None` for any other.
    pub(super) async fn of_wechat(response: Response) -> Option<Self> {
        let bytes = glue::read(response.body()?, SIGN_IN_BYTES).await.ok()?;
        let is_one = bytes.len() <= SIGN_IN_BYTES && reply::is_reply(&bytes);
        is_one.then(|| Self { response, body: Uint8Array::new_from_slice(&bytes).into(), says_dead: false })
    }

    /// Looks into an answer. Only a short one that may be JSON can be a refusal.
    ///
    /// # Errors
    /// When it breaks off.
    pub(super) async fn look_into(response: Response) -> Result<Self, BrokeOff> {
        let header = |name: &str| response.headers().get(name).ok().flatten();
        let kind = header("Content-Type").unwrap_or_default();
        let maybe_json = kind.is_empty() || kind.contains("json") || kind.contains("text");
        let stated = header("Content-Length").and_then(|text| text.parse::<usize>().ok());
        if !maybe_json || stated.is_some_and(|bytes| bytes > REFUSAL_BYTES) {
            return Ok(Self::of(response));
        }
        // What is packed is longer than it says.
        if stated.is_some() && header("Content-Encoding").is_none() {
            let bytes = glue::whole(&response).await?;
            let says_dead = is_dead(&bytes.to_vec());
            let body = if bytes.length() == 0 { JsValue::NULL } else { bytes.into() };
            return Ok(Self { response, body, says_dead });
        }
        let Ok(copy) = response.clone() else { return Ok(Self::of(response)) };
        let beginning = match copy.body() {
            Some(stream) => glue::read(stream, REFUSAL_BYTES).await.unwrap_or_default(),
            None => Vec::new(),
        };
        Ok(Self { says_dead: beginning.len() <= REFUSAL_BYTES && is_dead(&beginning), ..Self::of(response) })
    }
}

fn is_dead(reply: &[u8]) -> bool {
    reply::probe(reply) == Verdict::Dead
}
