//! From a request to its handler. Everything that can be refused without I/O is refused before any; what
//! was handed out or refused is noted in the app's history.

use crate::answer::Outcome;
use crate::api::{card_signature, credential, events, health, refresh, reseal, revoke, signature, status};
use crate::call::Call;
use crate::gate::{self, allowed, not_allowed, ready};
use crate::history;
use std::net::IpAddr;
use std::rc::Rc;
use worker::Request;
use zhongkong_core::access::{Caller, Scope};
use zhongkong_core::credential::Credential;
use zhongkong_core::problem::{Code, Problem};
use zhongkong_core::request::MAX_URL_BYTES;
use zhongkong_core::request::route::Route;

/// Answers a request.
///
/// 1. The URL has a bound (413), the path is known (404), so is the method (405), and it takes parameters
///    if there are any (400).
/// 2. The key belongs to a caller (401, or 429 after many that do not); with nobody configured the
///    operator is told (500).
/// 3. The caller may do this, to this app, from this address (403, the same for an unknown app).
/// 4. The settings that it takes are sound (500, naming them).
/// 5. The handler. From 2. on, the history is told.
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
    let ip = gate::client_ip(&request);
    let caller = gate::authenticate(&request, &centre);
    let name = caller.as_ref().ok().map(|caller| caller.name.as_str());
    let outcome = match caller {
        Ok(caller) => serve(request, &url, &call, caller, &route, ip).await,
        Err(problem) => {
            gate::look_busy(&centre, route.app(), ip);
            gate::turn_away(&call, ip, problem).await
        }
    };
    history::note(&call, &route, name, ip, &outcome);
    outcome
}

/// Steps 3 to 5, for a caller who is known.
async fn serve(
    request: Request,
    url: &str,
    call: &Call,
    caller: &Caller,
    route: &Route<'_>,
    ip: Option<IpAddr>,
) -> Outcome {
    let centre = &call.centre;
    let ready = |scope, app| ready(centre, caller, scope, app, ip);
    match *route {
        Route::Health => health::show(call),
        Route::Apps if !caller.may_from(Scope::Status, ip) => Err(not_allowed()),
        Route::Apps => status::all(url, call, caller).await,
        Route::App(app) => status::one(call, &allowed(centre, caller, Scope::Status, app, ip)?).await,
        Route::Events(app) => events::page(url, call, &allowed(centre, caller, Scope::Admin, app, ip)?).await,
        Route::Read(app, kind) => {
            let scope = if kind == Credential::AccessToken { Scope::Token } else { Scope::Ticket };
            credential::show(url, call, &ready(scope, app)?, kind).await
        }
        Route::Refresh(app, kind) => refresh::report(request, call, &ready(Scope::Refresh, app)?, kind).await,
        Route::Revoke(app) => revoke::begin(call, &*ready(Scope::Admin, app)?).await,
        Route::Reseal(app) => reseal::all(call, &*ready(Scope::Admin, app)?).await,
        Route::CardSignature(app) => card_signature::sign(request, call, &ready(Scope::Sign, app)?).await,
        Route::Signature(app) => signature::sign(request, url, call, &ready(Scope::Sign, app)?).await,
    }
}
