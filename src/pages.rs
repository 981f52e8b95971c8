//! Static pages without a server of their own: a caller whose key stands in the page may have that page signed,
//! and nothing else. Browsers are let in (CORS) from the caller's `origins` alone.
//!
//! `Origin` cannot be forged by a page, but by any other client: what such a key opens is no secret. It is
//! bounded by `sign_hosts`, and by the binding `SIGN_LIMIT` for each visitor.

use crate::answer::{self, Outcome};
use crate::bindings::Centre;
use crate::call::Call;
use crate::incoming::Incoming;
use crate::{glue, log};
use std::net::IpAddr;
use zhongkong_core::access::{Caller, neighbourhood};
use zhongkong_core::problem::{Code, Problem};
use zhongkong_core::request::route::Route;

/// What a visitor over the limit is told to wait; the binding counts within 10 or 60 s.
const LIMITED_FOR_S: u64 = 60;

/// `GET /jssdk.js`: a page that includes it asks for the signature of its own address, and calls `wx.config`.
pub(crate) fn script() -> Outcome {
    answer::public(glue::page_script(), "text/javascript; charset=utf-8")
}

/// Whether pages may ask for it.
pub(crate) const fn is_for_pages(route: &Route<'_>) -> bool {
    // Not cards: those have no page that bounds them.
    matches!(route, Route::Signature(_))
}

/// The `Origin` of a request by a page that some caller's key may stand in.
pub(crate) fn origin_of(request: &Incoming, centre: &Centre) -> Option<String> {
    if !centre.config.callers.have_pages()
        || !Route::parse(request.path()).is_some_and(|route| is_for_pages(&route))
    {
        return None;
    }
    origin(request).filter(|origin| centre.config.callers.know_origin(origin))
}

/// The header, as it came.
pub(crate) fn origin(request: &Incoming) -> Option<String> {
    request.header("Origin")
}

/// The question that browsers ask first: may a page of this origin send a key? Without one, and without a
/// word about which app or key it is for.
pub(crate) fn preflight(centre: &Centre, request: &Incoming) -> Outcome {
    match origin(request).filter(|origin| centre.config.callers.know_origin(origin)) {
        Some(_) => answer::nothing(),
        None => {
            let detail = "Pages of this origin may not ask: name it in the origins of a caller.";
            Err(Problem::new(Code::NotAllowed, detail))
        }
    }
}

/// Bounds what one visitor may ask with a key that everybody can read (429), where `SIGN_LIMIT` is bound.
pub(crate) async fn limit(call: &Call, caller: &Caller, ip: Option<IpAddr>) -> Result<(), Problem> {
    let Some(limit) = call.centre.sign_limit.as_ref().filter(|_| caller.is_publishable()) else {
        return Ok(());
    };
    match glue::is_within(limit, &format!("{} {}", caller.name, neighbourhood(ip))).await {
        Ok(false) => {
            let detail = "Too many signatures were asked for from this address.";
            Err(Problem::new(Code::RateLimited, detail).retry_after(LIMITED_FOR_S))
        }
        Ok(true) => Ok(()),
        Err(error) => {
            log::warn("sign_limit_failed", &[("detail", &error.to_string())]);
            Ok(())
        }
    }
}
