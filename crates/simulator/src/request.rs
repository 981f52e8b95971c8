//! A request as the simulator sees it: parsed as little as WeChat does.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use std::net::IpAddr;

/// One request.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// `GET` or `POST`.
    pub method: &'a str,
    /// The host that it is sent to, without a port.
    pub host: &'a str,
    /// The path, without its query.
    pub path: &'a str,
    /// The query, as it stands in the URL.
    pub query: &'a str,
    /// The body.
    pub body: &'a [u8],
    /// Where it comes from.
    pub ip: IpAddr,
}

impl Request<'_> {
    /// A query parameter, decoded; `None` when it is absent or empty.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let value = self.query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
        let text = percent_decode_str(value).decode_utf8_lossy().into_owned();
        (!text.is_empty()).then_some(text)
    }

    /// The body as a JSON object, or the errcode for what it is instead.
    pub(crate) fn json(&self) -> Result<Map<String, Value>, i64> {
        if self.body.is_empty() {
            return Err(44002);
        }
        serde_json::from_slice(self.body).map_err(|_| 47001)
    }
}
