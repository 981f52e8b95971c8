//! Admission to the native API: which route is asked for, by whom, and whether they may. No I/O, so that the
//! fast path and the ordinary path decide alike.

use super::head::Head;
use super::route::Route;
use super::{MAX_URL_BYTES, is_public};
use crate::access::{AllowedApps, Caller};
use crate::app::AppName;
use crate::config::{AppEntry, Config, ReadyApp};
use crate::problem::{Code, Problem};
use std::hint::black_box;
use std::rc::Rc;

/// A request that may be served.
#[derive(Clone, Copy, Debug)]
pub enum Admission<'c, 'r> {
    /// A route that takes no key.
    Public(Route<'r>),
    /// Asked for by a caller who may.
    Granted(Granted<'c, 'r>),
}

/// Who asks for what.
#[derive(Clone, Copy, Debug)]
pub struct Granted<'c, 'r> {
    /// The holder of the key.
    pub caller: &'c Caller,
    /// What is asked for.
    pub route: Route<'r>,
    /// The app that the path names, configured soundly or not; `None` where it names none.
    pub app: Option<&'c AppName>,
}

/// A request that is refused, with what is known of it by then: the audit is told.
#[derive(Debug)]
pub struct Refused<'c, 'r> {
    /// Why.
    pub problem: Problem,
    /// The holder of the key, where there is one.
    pub caller: Option<&'c Caller>,
    /// What was asked for, where the path is one of ours.
    pub route: Option<Route<'r>>,
}

/// Decides whether a request may be served. `origin` gives its `Origin` header; it is asked for only where the
/// key stands in a page.
///
/// 1. The URL has a bound (413), the path is known (404), so is the method (405), and it takes parameters if
///    there are any (400).
/// 2. The key belongs to a caller (401); with no caller configured the operator is told (500).
/// 3. The caller may do this, to this app, from this address and page (403, the same for an unknown app).
///
/// # Errors
/// [`Refused`].
pub fn admit<'c, 'r>(
    config: &'c Config,
    head: &Head<'r>,
    origin: impl Fn() -> Option<String>,
) -> Result<Admission<'c, 'r>, Refused<'c, 'r>> {
    let route = Route::parse(head.path());
    let refused = |problem, caller| Refused { problem, caller, route };
    let route = known(head, route).map_err(|problem| refused(problem, None))?;
    if is_public(&route) {
        return Ok(Admission::Public(route));
    }
    let caller = match authenticate(config, head) {
        Ok(caller) => caller,
        Err(problem) => {
            equalize_timing(config, &route, head, &origin);
            return Err(refused(problem, None));
        }
    };
    let app =
        authorize(config, caller, &route, head, &origin).map_err(|problem| refused(problem, Some(caller)))?;
    Ok(Admission::Granted(Granted { caller, route, app }))
}

/// The app, if its settings and those of the centre are sound.
///
/// # Errors
/// 500, naming what is wrong.
pub fn ready<'c>(config: &'c Config, name: &AppName) -> Result<&'c Rc<ReadyApp>, Problem> {
    if config.fatal().next().is_some() {
        return Err(misconfigured(config.fatal().map(ToString::to_string)));
    }
    match config.apps.get(name) {
        Some(AppEntry::Ready(ready)) => Ok(ready),
        Some(AppEntry::Faulty(faults)) => Err(misconfigured(faults.iter().map(ToString::to_string))),
        None => Err(not_allowed()),
    }
}

/// The key is nobody's.
pub fn unknown_key() -> Problem {
    let detail = "Nobody holds this key. Compare it with the one that the operator has given out.";
    Problem::new(Code::Unauthorized, detail)
}

/// Step 1: what can be said without knowing who asks.
fn known<'r>(head: &Head<'r>, route: Option<Route<'r>>) -> Result<Route<'r>, Problem> {
    if head.url.len() > MAX_URL_BYTES {
        let detail = format!("A URL may have {MAX_URL_BYTES} bytes here; a long page URL is sent by POST.");
        return Err(Problem::new(Code::TooLarge, detail));
    }
    let route = route.ok_or_else(|| no_such_path(head.path()))?;
    if !route.knows(head.method) {
        let allow = route.methods();
        let detail = format!("This path knows {allow}.");
        return Err(Problem::new(Code::MethodNotAllowed, detail).allowing(allow));
    }
    if !is_public(&route) && !route.takes_parameters() && head.query().is_some() {
        return Err(Problem::new(Code::InvalidRequest, "This path takes no query parameters."));
    }
    Ok(route)
}

fn no_such_path(path: &str) -> Problem {
    let detail = if path == "/console" || path.starts_with("/console/") {
        "The console has no such file. If /console/ itself is missing: add [assets] with directory = \"assets\" to \
         wrangler.toml."
    } else {
        "There is no such path here; docs/api.md lists them."
    };
    Problem::new(Code::NotFound, detail)
}

/// Step 2.
fn authenticate<'c>(config: &'c Config, head: &Head<'_>) -> Result<&'c Caller, Problem> {
    if config.callers.is_empty() {
        return Err(misconfigured(config.faults.iter().map(ToString::to_string)));
    }
    let key = head.key();
    config.callers.holder_of(&key).ok_or_else(|| {
        if key.expose().is_empty() {
            Problem::new(Code::Unauthorized, "Send a caller's key as `Authorization: Bearer KEY`.")
        } else {
            unknown_key()
        }
    })
}

/// Step 3.
fn authorize<'c>(
    config: &'c Config,
    caller: &Caller,
    route: &Route<'_>,
    head: &Head<'_>,
    origin: &impl Fn() -> Option<String>,
) -> Result<Option<&'c AppName>, Problem> {
    let name = route.app().map(|app| AppName::parse(app).ok_or_else(not_allowed)).transpose()?;
    let configured = name.as_ref().and_then(|name| config.name_of(name.as_str()));
    let may = match &name {
        None => {
            let of_all = !route.concerns_every_app() || caller.apps == AllowedApps::All;
            caller.may_from(route.scope(), head.ip) & of_all
        }
        Some(name) => caller.may(route.scope(), name, head.ip) && configured.is_some(),
    };
    let from_its_page = || {
        !caller.is_publishable() || (route.is_for_pages() && caller.may_come_from_page(origin().as_deref()))
    };
    if may && from_its_page() { Ok(configured) } else { Err(not_allowed()) }
}

/// Spends the time that a known key would have cost, so that an unknown one is not told by its speed.
fn equalize_timing(
    config: &Config,
    route: &Route<'_>,
    head: &Head<'_>,
    origin: &impl Fn() -> Option<String>,
) {
    let nobody = Caller {
        name: String::new(),
        keys: Vec::new(),
        apps: AllowedApps::These(Vec::new()),
        scopes: Vec::new(),
        ips: Vec::new(),
        paths: None,
        origins: Vec::new(),
    };
    drop(black_box(authorize(config, black_box(&nobody), route, head, origin)));
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
