//! What a handler is given: a request, and what surrounds it.

use crate::bindings::Centre;
use crate::body::{self, BrokenOff};
use js_sys::ArrayBuffer;
use js_sys::futures::JsFuture;
use std::net::IpAddr;
use std::rc::Rc;
use wasm_bindgen::JsCast as _;
use worker::web_sys::Request;
use worker::{Context, Env, Headers};
use zhongkong_core::http::head::Head;
use zhongkong_core::secret::Secret;

/// One request: its head as plain data, its body when it is asked for, and its surroundings. Of the platform's `Request`,
/// not of `worker::Request`, which reads `cf` as well, and takes a method that it does not know for GET.
pub(crate) struct RequestContext {
    pub(crate) centre: Rc<Centre>,
    pub(crate) env: Env,
    pub(crate) context: Context,
    request: Request,
    headers: Headers,
    method: String,
    url: String,
    authorization: Secret,
    ip: Option<IpAddr>,
}

impl RequestContext {
    pub(crate) fn new(request: Request, centre: Rc<Centre>, env: Env, context: Context) -> Self {
        let headers = Headers(request.headers());
        let header = |name| headers.get(name).ok().flatten();
        Self {
            method: request.method(),
            url: request.url(),
            authorization: Secret::new(header("Authorization").unwrap_or_default()),
            ip: header("CF-Connecting-IP").and_then(|ip| ip.parse().ok()),
            request,
            headers,
            centre,
            env,
            context,
        }
    }

    /// The head of the request.
    pub(crate) fn head(&self) -> Head<'_> {
        let authorization = self.authorization.expose();
        Head { method: &self.method, url: &self.url, authorization, ip: self.ip }
    }

    /// The address that the client has for Cloudflare.
    pub(crate) const fn ip(&self) -> Option<IpAddr> {
        self.ip
    }

    /// A header; `None` where there is none.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name).ok().flatten()
    }

    /// All headers.
    pub(crate) fn headers(&self) -> Vec<(String, String)> {
        body::header_list(&self.headers.0)
    }

    /// What `Content-Length` states.
    pub(crate) fn stated_bytes(&self) -> Option<usize> {
        self.header("Content-Length")?.parse().ok()
    }

    /// The body as it comes; `None` where there is none.
    pub(crate) fn stream(&self) -> Option<worker::web_sys::ReadableStream> {
        self.request.body()
    }

    /// The body of a request that has stated how long it is, left in JavaScript: it only goes on to WeChat.
    pub(crate) async fn array_buffer(&self) -> Result<ArrayBuffer, BrokenOff> {
        let promise = self.request.array_buffer().map_err(|_| BrokenOff)?;
        let buffer = JsFuture::from(promise).await.map_err(|_| BrokenOff)?;
        Ok(buffer.unchecked_into())
    }

    /// The body, or its beginning when it is longer than this: one byte more at least.
    pub(crate) async fn body(&self, most: usize) -> Result<Vec<u8>, BrokenOff> {
        match self.stream() {
            None => Ok(Vec::new()),
            Some(stream) => body::of_request(stream, most).await,
        }
    }
}
