//! From a request to its handler. Everything that can be refused without I/O is refused here.

use crate::answer::Outcome;
use crate::api::{card_signature, credential, health, refresh, reseal, revoke, signature, status};
use crate::bindings::Centre;
use crate::call::Call;
use std::net::IpAddr;
use std::rc::Rc;
use worker::Request;
use zhongkong_core::access::{Caller, Scope};
use zhongkong_core::app::AppName;
use zhongkong_core::config::{AppEntry, ReadyApp};
use zhongkong_core::credential::Credential;
use zhongkong_core::problem::{Code, Problem};
use zhongkong_core::request::route::Route;
use zhongkong_core::request::{MAX_URL_BYTES, bearer};
use zhongkong_core::secret::Secret;

/// Answers a request.
///
/// 1. The URL has a bound (413), the path is known (404), so is the method (405), and it takes parameters
///    if there are any (400).
/// 2. The key belongs to a caller (401); with nobody configured the operator is told (500).
/// 3. The caller may do this, to this app, from this address (403, the same for an unknown app).
/// 4. The settings that it takes are sound (500, naming them).
/// 5. The handler.
pub(crate) async fn route(request: Request, call: Call) -> Outcome {
    // 1.
    let url = request.inner().url();
    if url.len() > MAX_URL_BYTES {
        let detail = format!("A URL may have {MAX_URL_BYTES} bytes here; a long page URL is sent by POST.");
        return Err(Problem::new(Code::TooLarge, detail));
    }
    let path = request.path();
    let route = Route::parse(&path)
        .ok_or_else(|| Problem::new(Code::NotFound, "There is no such path here; docs/api.md lists them."))?;
    if !route.knows(request.method().as_ref()) {
        let allow = route.methods();
        let detail = format!("This path knows {allow}.");
        return Err(Problem { allow: Some(allow), ..Problem::new(Code::MethodNotAllowed, detail) });
    }
    if matches!(route, Route::Health) {
        return health::show(&call);
    }
    if !route.takes_parameters() && url.contains('?') {
        return Err(Problem::new(Code::InvalidRequest, "This path takes no query parameters."));
    }
    // 2.
    let centre = Rc::clone(&call.centre);
    let caller = authenticate(&request, &centre)?;
    let ip = client_ip(&request);
    // 3. to 5.
    match route {
        Route::Health => health::show(&call),
        Route::Apps => {
            if !caller.may_from(Scope::Status, ip) {
                return Err(not_allowed());
            }
            status::all(&url, &call, caller).await
        }
        Route::App(app) => status::one(&call, &allowed(&centre, caller, Scope::Status, app, ip)?).await,
        Route::Read(app, kind) => {
            let scope = if kind == Credential::AccessToken { Scope::Token } else { Scope::Ticket };
            let ready = ready(&centre, caller, scope, app, ip)?;
            credential::show(&url, &call, &ready, kind).await
        }
        Route::Refresh(app, kind) => {
            let ready = ready(&centre, caller, Scope::Refresh, app, ip)?;
            refresh::report(request, &call, &ready, kind).await
        }
        Route::Revoke(app) => revoke::begin(&call, &*ready(&centre, caller, Scope::Admin, app, ip)?).await,
        Route::Reseal(app) => reseal::all(&call, &*ready(&centre, caller, Scope::Admin, app, ip)?).await,
        Route::CardSignature(app) => {
            let ready = ready(&centre, caller, Scope::Sign, app, ip)?;
            card_signature::sign(request, &call, &ready).await
        }
        Route::Signature(app) => {
            let ready = ready(&centre, caller, Scope::Sign, app, ip)?;
            signature::sign(request, &url, &call, &ready).await
        }
    }
}

/// The caller who holds the key of the `Authorization` header.
fn authenticate<'c>(request: &Request, centre: &'c Centre) -> Result<&'c Caller, Problem> {
    if centre.config.callers.is_empty() {
        return Err(misconfigured(centre.config.faults.iter().map(ToString::to_string)));
    }
    let header = Secret::new(request.headers().get("Authorization").ok().flatten().unwrap_or_default());
    let key = Secret::new(bearer(header.expose()).to_owned());
    centre.config.callers.holder_of(&key).ok_or_else(|| {
        let detail = if key.expose().is_empty() {
            "Send a caller's key as `Authorization: Bearer KEY`."
        } else {
            "Nobody holds this key. Compare it with the one that the operator has given out."
        };
        Problem::new(Code::Unauthorized, detail)
    })
}

/// The address that Cloudflare saw. `X-Forwarded-For` is the client's to forge and is not read.
fn client_ip(request: &Request) -> Option<IpAddr> {
    request.headers().get("CF-Connecting-IP").ok().flatten()?.parse().ok()
}

/// The app's name, if the caller may do this to it.
fn allowed(
    centre: &Centre,
    caller: &Caller,
    scope: Scope,
    app: &str,
    ip: Option<IpAddr>,
) -> Result<AppName, Problem> {
    let name = AppName::parse(app).ok_or_else(not_allowed)?;
    if caller.may(scope, &name, ip) && centre.config.apps.contains_key(&name) {
        Ok(name)
    } else {
        Err(not_allowed())
    }
}

/// The app, if the caller may do this to it and its settings are sound.
fn ready(
    centre: &Centre,
    caller: &Caller,
    scope: Scope,
    app: &str,
    ip: Option<IpAddr>,
) -> Result<Rc<ReadyApp>, Problem> {
    let name = allowed(centre, caller, scope, app, ip)?;
    if centre.config.fatal().next().is_some() {
        return Err(misconfigured(centre.config.fatal().map(ToString::to_string)));
    }
    match centre.config.apps.get(&name) {
        Some(AppEntry::Ready(ready)) => Ok(Rc::clone(ready)),
        Some(AppEntry::Faulty(faults)) => Err(misconfigured(faults.iter().map(ToString::to_string))),
        None => Err(not_allowed()),
    }
}

fn not_allowed() -> Problem {
    let detail = "This key may not do this: its scopes, its apps or the addresses it may come from do not allow it, \
                  or there is no such app.";
    Problem::new(Code::NotAllowed, detail)
}

/// Names every setting that is at fault, never a value.
fn misconfigured(faults: impl Iterator<Item = String>) -> Problem {
    Problem::new(Code::Misconfigured, faults.collect::<Vec<_>>().join(" "))
}
