//! The head of a request, as the runtime gives it: texts that nobody has interpreted yet.

use super::{bearer, path, query};
use crate::secret::Secret;
use std::net::IpAddr;

/// What is known of a request before its body is read. No `Debug`: the URL may hold a key or a token.
#[derive(Clone, Copy)]
pub struct Head<'r> {
    /// The method as it came; it may be one that HTTP does not know.
    pub method: &'r str,
    /// The URL as it came, with its query.
    pub url: &'r str,
    /// The `Authorization` header; empty where there is none.
    pub authorization: &'r str,
    /// The client's address as Cloudflare saw it. `X-Forwarded-For` is the client's to forge and is not read.
    pub ip: Option<IpAddr>,
}

impl<'r> Head<'r> {
    /// The path, nothing decoded: `/v1/apps`.
    pub fn path(&self) -> &'r str {
        path(self.url)
    }

    /// What stands behind the `?`; `None` where there is none.
    pub fn query(&self) -> Option<&'r str> {
        query(self.url)
    }

    /// The key of the `Authorization` header; empty where there is none.
    pub fn key(&self) -> Secret {
        Secret::new(bearer(self.authorization).to_owned())
    }
}
