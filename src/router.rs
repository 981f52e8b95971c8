//! From a request to its handler. Everything that can be refused without I/O is refused here.

use crate::answer::Outcome;
use crate::api::{card_signature, credential, health, refresh, revoke, signature, status};
use crate::bindings::Centre;
use crate::call::Call;
use std::net::IpAddr;
use std::rc::Rc;
use worker::{Method, Request};
use zhongkong_core::access::{Caller, Scope};
use zhongkong_core::app::AppName;
use zhongkong_core::config::{AppEntry, ReadyApp};
use zhongkong_core::credential::{Credential, TicketType};
use zhongkong_core::problem::{Code, Problem};
use zhongkong_core::secret::Secret;

/// What can be asked for. `app` is the name as the path has it, not yet known to exist.
enum Route<'a> {
    Health,
    Apps,
    App(&'a str),
    Read(&'a str, Credential),
    Refresh(&'a str, Credential),
    Revoke(&'a str),
    Signature(&'a str),
    CardSignature(&'a str),
}

impl<'a> Route<'a> {
    /// Reads a path. Segments are taken as they stand: nothing is decoded, so `%2f` or `..` is
    /// simply no path of ours.
    fn parse(path: &'a str) -> Option<Self> {
        let segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        if segments.contains(&"") {
            return None;
        }
        let ticket = |name| TicketType::parse(name).map(Credential::Ticket);
        Some(match segments.as_slice() {
            ["healthz"] => Self::Health,
            ["v1", "apps"] => Self::Apps,
            ["v1", "apps", app] => Self::App(app),
            ["v1", "apps", app, "access_token"] => Self::Read(app, Credential::AccessToken),
            ["v1", "apps", app, "access_token", "refresh"] => Self::Refresh(app, Credential::AccessToken),
            ["v1", "apps", app, "access_token", "revoke"] => Self::Revoke(app),
            ["v1", "apps", app, "tickets", name] => Self::Read(app, ticket(name)?),
            ["v1", "apps", app, "tickets", name, "refresh"] => Self::Refresh(app, ticket(name)?),
            ["v1", "apps", app, "signature"] => Self::Signature(app),
            ["v1", "apps", app, "card_signature"] => Self::CardSignature(app),
            _ => return None,
        })
    }

    /// Whether it reads the query; everywhere else a parameter is a slip.
    const fn takes_parameters(&self) -> bool {
        matches!(self, Self::Apps | Self::Read(_, Credential::AccessToken) | Self::Signature(_))
    }

    const fn methods(&self) -> (&'static [Method], &'static str) {
        match self {
            Self::Health => (&[Method::Get, Method::Head], "GET, HEAD"),
            Self::Apps | Self::App(_) | Self::Read(..) => (&[Method::Get], "GET"),
            Self::Refresh(..) | Self::Revoke(_) | Self::CardSignature(_) => (&[Method::Post], "POST"),
            Self::Signature(_) => (&[Method::Get, Method::Post], "GET, POST"),
        }
    }
}

/// Answers a request.
///
/// 1. The path is known (404), so is the method (405), and it takes parameters if there are any (400).
/// 2. The key belongs to a caller (401); with nobody configured the operator is told (500).
/// 3. The caller may do this, to this app, from this address (403, the same for an unknown app).
/// 4. The settings that it takes are sound (500, naming them).
/// 5. The handler.
pub(crate) async fn route(request: Request, call: Call) -> Outcome {
    let path = request.path();
    // 1.
    let route = Route::parse(&path)
        .ok_or_else(|| Problem::new(Code::NotFound, "There is no such path here; docs/api.md lists them."))?;
    let (methods, allow) = route.methods();
    if !methods.contains(&request.method()) {
        let detail = format!("This path knows {allow}.");
        return Err(Problem { allow: Some(allow), ..Problem::new(Code::MethodNotAllowed, detail) });
    }
    if matches!(route, Route::Health) {
        return health::show(&call);
    }
    if !route.takes_parameters() && request.inner().url().contains('?') {
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
            status::all(&request, &call, caller).await
        }
        Route::App(app) => status::one(&call, &allowed(&centre, caller, Scope::Status, app, ip)?).await,
        Route::Read(app, kind) => {
            let scope = if kind == Credential::AccessToken { Scope::Token } else { Scope::Ticket };
            let ready = ready(&centre, caller, scope, app, ip)?;
            credential::show(&request, &call, &ready, kind).await
        }
        Route::Refresh(app, kind) => {
            let ready = ready(&centre, caller, Scope::Refresh, app, ip)?;
            refresh::report(request, &call, &ready, kind).await
        }
        Route::Revoke(app) => revoke::begin(&call, &*ready(&centre, caller, Scope::Admin, app, ip)?).await,
        Route::CardSignature(app) => {
            let ready = ready(&centre, caller, Scope::Sign, app, ip)?;
            card_signature::sign(request, &call, &ready).await
        }
        Route::Signature(app) => {
            let ready = ready(&centre, caller, Scope::Sign, app, ip)?;
            signature::sign(request, &call, &ready).await
        }
    }
}

/// The caller who holds the key of the `Authorization` header.
fn authenticate<'c>(request: &Request, centre: &'c Centre) -> Result<&'c Caller, Problem> {
    if centre.config.callers.is_empty() {
        return Err(misconfigured(centre.config.faults.iter().map(ToString::to_string)));
    }
    let header = request.headers().get("Authorization").ok().flatten().unwrap_or_default();
    let key = header.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let key = Secret::new(key.map(|(_, key)| key.trim().to_owned()).unwrap_or_default());
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
