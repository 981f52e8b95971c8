//! A request as it has come: its head as plain data, read once by src/entry.mjs; its body when somebody asks for it, within
//! bounds.

use crate::glue;
use js_sys::{RegExp, Uint8Array};
use std::net::IpAddr;
use zhongkong_core::request;
use zhongkong_core::secret::Secret;

/// A request of a caller's.
pub(crate) struct Incoming {
    /// As it came: it may be one that HTTP does not know.
    pub(crate) method: String,
    /// As it came, with its query.
    pub(crate) url: String,
    /// The address that Cloudflare saw. `X-Forwarded-For` is the client's to forge and is not read.
    pub(crate) ip: Option<IpAddr>,
    authorization: Secret,
    request: web_sys::Request,
}

impl Incoming {
    /// The head, as texts: method, URL, `Authorization`, `CF-Connecting-IP`.
    pub(crate) fn new(
        request: web_sys::Request,
        method: String,
        url: String,
        authorization: Option<String>,
        ip: Option<&str>,
    ) -> Self {
        let ip = ip.and_then(|ip| ip.parse().ok());
        Self { method, url, ip, authorization: Secret::new(authorization.unwrap_or_default()), request }
    }

    /// The path, nothing decoded: `/v1/apps`.
    pub(crate) fn path(&self) -> &str {
        request::path(&self.url)
    }

    /// What stands behind the `?`; `None` where there is none.
    pub(crate) fn query(&self) -> Option<&str> {
        request::query(&self.url)
    }

    /// The key of the `Authorization` header; empty where there is none.
    pub(crate) fn key(&self) -> Secret {
        Secret::new(request::bearer(self.authorization.expose()).to_owned())
    }

    /// A header; `None` where there is none.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.request.headers().get(name).ok().flatten()
    }

    /// What `Content-Length` states.
    pub(crate) fn stated_bytes(&self) -> Option<usize> {
        self.header("Content-Length")?.parse().ok()
    }

    /// All headers, but for those whose names match.
    pub(crate) fn headers_but(&self, left: &RegExp) -> web_sys::Headers {
        glue::headers_but(&self.request, left)
    }

    /// The body as it comes; `None` where there is none.
    pub(crate) fn stream(&self) -> Option<web_sys::ReadableStream> {
        self.request.body()
    }

    /// The body, or its beginning when it is longer than this: one byte more at least.
    ///
    /// # Errors
    /// When it breaks off.
    pub(crate) async fn body(&self, most_bytes: usize) -> Result<Vec<u8>, glue::BrokeOff> {
        self.bytes(most_bytes).await.map(|bytes| bytes.to_vec())
    }

    /// The same, left where it is.
    ///
    /// # Errors
    /// When it breaks off.
    pub(crate) async fn bytes(&self, most_bytes: usize) -> Result<Uint8Array, glue::BrokeOff> {
        match self.request.body() {
            None => Ok(Uint8Array::new_with_length(0)),
            Some(stream) => glue::read_request(stream, most_bytes).await,
        }
    }

    /// The body of a request that has stated how long it is.
    ///
    /// # Errors
    /// When it breaks off.
    pub(crate) async fn whole(&self) -> Result<Uint8Array, glue::BrokeOff> {
        glue::whole(&self.request).await
    }
}
