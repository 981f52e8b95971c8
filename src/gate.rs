//! The gate: who asks, and whether they may. No I/O on the way of a caller who may.

use crate::bindings::Centre;
use crate::call::Call;
use crate::incoming::Incoming;
use crate::{glue, log, pages};
use std::hint::black_box;
use std::net::IpAddr;
use std::rc::Rc;
use zhongkong_core::access::{AllowedApps, Caller, neighbourhood};
use zhongkong_core::app::AppName;
use zhongkong_core::config::{AppEntry, ReadyApp};
use zhongkong_core::problem::{Code, Problem};
use zhongkong_core::request::route::Route;

/// What a stranger over the limit is told to wait; the binding counts within 10 or 60 s.
const LIMITED_FOR_S: u64 = 60;

/// The caller who holds the key of the `Authorization` header.
pub(crate) fn authenticate<'c>(request: &Incoming, centre: &'c Centre) -> Result<&'c Caller, Problem> {
    if centre.config.callers.is_empty() {
        return Err(misconfigured(centre.config.faults.iter().map(ToString::to_string)));
    }
    let key = request.key();
    centre.config.callers.holder_of(&key).ok_or_else(|| {
        if key.expose().is_empty() {
            Problem::new(Code::Unauthorized, "Send a caller's key as `Authorization: Bearer KEY`.")
        } else {
            nobodys()
        }
    })
}

/// The key is nobody's.
pub(crate) fn nobodys() -> Problem {
    let detail = "Nobody holds this key. Compare it with the one that the operator has given out.";
    Problem::new(Code::Unauthorized, detail)
}

/// The same work for a stranger as for a caller who may not.
pub(crate) fn look_busy(centre: &Centre, route: &Route<'_>, request: &Incoming) {
    let nobody = Caller {
        name: String::new(),
        keys: Vec::new(),
        apps: AllowedApps::These(Vec::new()),
        scopes: Vec::new(),
        ips: Vec::new(),
        paths: None,
        origins: Vec::new(),
    };
    drop(black_box(permitted(centre, black_box(&nobody), route, request)));
}

/// Answers a stranger: as the gate has said, or with 429 after too many attempts from one address, where
/// the binding `KEY_LIMIT` is there. Callers with a valid key are never counted: whoever shares an
/// address with a guesser, or with a job that has an old key, is not locked out.
pub(crate) async fn turn_away(call: &Call, ip: Option<IpAddr>, problem: Problem) -> Problem {
    if problem.code != Code::Unauthorized {
        return problem;
    }
    let Some(limit) = &call.centre.key_limit else { return problem };
    match glue::is_within(limit, &neighbourhood(ip)).await {
        Ok(false) => {
            let detail = "Too many requests without a valid key came from this address.";
            Problem::new(Code::RateLimited, detail).retry_after(LIMITED_FOR_S)
        }
        Ok(true) => problem,
        Err(error) => {
            log::warn("key_limit_failed", &[("detail", &error.to_string())]);
            problem
        }
    }
}

/// The app that the path names, if the caller may do this to it, from there; `None` where it names none.
pub(crate) fn permitted(
    centre: &Centre,
    caller: &Caller,
    route: &Route<'_>,
    request: &Incoming,
) -> Result<Option<AppName>, Problem> {
    let ip = request.ip;
    let name = route.app().map(|app| AppName::parse(app).ok_or_else(not_allowed)).transpose()?;
    let may = match &name {
        None => caller.may_from(route.scope(), ip),
        Some(name) => caller.may(route.scope(), name, ip) && centre.config.apps.contains_key(name),
    };
    let from_its_page = || {
        !caller.is_publishable()
            || (pages::is_for_pages(route) && caller.may_come_from_page(pages::origin(request).as_deref()))
    };
    if may && from_its_page() { Ok(name) } else { Err(not_allowed()) }
}

/// The app, if its settings and those of the centre are sound.
pub(crate) fn ready(centre: &Centre, name: &AppName) -> Result<Rc<ReadyApp>, Problem> {
    if centre.config.fatal().next().is_some() {
        return Err(misconfigured(centre.config.fatal().map(ToString::to_string)));
    }
    match centre.config.apps.get(name) {
        Some(AppEntry::Ready(ready)) => Ok(Rc::clone(ready)),
        Some(AppEntry::Faulty(faults)) => Err(misconfigured(faults.iter().map(ToString::to_string))),
        None => Err(not_allowed()),
    }
}

/// The same words for a missing scope, a forbidden app, an unknown one, and a wrong address.
fn not_allowed() -> Problem {
    let detail = "This key may not do this, not to this app, or not from here; or there is no such app.";
    Problem::new(Code::NotAllowed, detail)
}

/// Names every setting that is at fault, never a value.
fn misconfigured(faults: impl Iterator<Item = String>) -> Problem {
    Problem::new(Code::Misconfigured, faults.collect::<Vec<_>>().join(" "))
}
