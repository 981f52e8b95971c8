//! Static pages without a server of their own: a caller whose key stands in the page may have that page signed,
//! and nothing else. Browsers are let in (CORS) from the caller's `origins` alone.
//!
//! `Origin` cannot be forged by a page, but by any other client: what such a key opens is no secret. It is
//! bounded by `sign_hosts`, and by the binding `SIGN_LIMIT` for each visitor.

use crate::answer::{self, Outcome};
use crate::context::RequestContext;
use crate::{gate, log};
use serde_json::json;
use zhongkong_core::access::{Caller, neighbourhood};
use zhongkong_core::http::route::Route;
use zhongkong_core::problem::{Code, Problem};

/// The script that a page includes: it asks for the signature of the page's address and calls `wx.config`.
const SCRIPT: &str = include_str!("pages/jssdk.js");

/// `GET /jssdk.js`.
pub(crate) fn script() -> Outcome {
    let answer = answer::public(SCRIPT, "text/javascript; charset=utf-8")?;
    // It is no secret, and a page may want it with `crossorigin` (to check its integrity, to be told of its errors).
    answer.readable_everywhere().map_err(|_| answer::internal("an answer could not be built"))
}

/// The `Origin` of a request by a page that some caller's key may stand in.
pub(crate) fn origin_of(request: &RequestContext) -> Option<String> {
    let callers = &request.centre.config.callers;
    let is_for_pages = || Route::parse(request.head().path()).is_some_and(|route| route.is_for_pages());
    if !callers.have_pages() || !is_for_pages() {
        return None;
    }
    request.header("Origin").filter(|origin| callers.know_origin(origin))
}

/// The question that browsers ask first: may a page of this origin send a key? Without one, and without a
/// word about which app or key it is for.
pub(crate) fn preflight(request: &RequestContext) -> Outcome {
    match request.header("Origin").filter(|origin| request.centre.config.callers.know_origin(origin)) {
        Some(_) => answer::nothing(),
        None => {
            let detail = "Pages of this origin may not ask: name it in the origins of a caller.";
            Err(Problem::new(Code::NotAllowed, detail))
        }
    }
}

/// Bounds what one visitor may ask with a key that everybody can read (429), where `SIGN_LIMIT` is bound.
pub(crate) async fn limit(request: &RequestContext, caller: &Caller) -> Result<(), Problem> {
    let Some(limit) = request.centre.sign_limit.as_ref().filter(|_| caller.is_publishable()) else {
        return Ok(());
    };
    let visitor = format!("{} {}", caller.name, neighbourhood(request.ip()));
    let detail = "Too many signatures were asked for from this address.";
    let failed = |why| log::warn("sign_limit_failed", json!({"detail": why}));
    gate::within(limit, visitor, detail, failed).await
}
