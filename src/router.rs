//! From a request to its handler: WeChat's own paths to the façade, ours to the native API. Everything that can
//! be refused without I/O is refused before any; what was handed out or refused is noted in the app's history.

use crate::answer::Outcome;
use crate::api::{
    card_signature, check, credential, events, explain, health, metrics, openapi, refresh, reseal, revoke,
    signature, status, test_alert, trends,
};
use crate::call::Call;
use crate::facade;
use crate::gate;
use crate::history::{self, Asked};
use crate::incoming::Incoming;
use crate::pages;
use zhongkong_core::access::Caller;
use zhongkong_core::app::AppName;
use zhongkong_core::facade::Target;
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
/// 5. The handler. The history is told of all of it, but for `/healthz`, `/jssdk.js` and `/openapi.json`.
pub(crate) async fn route(request: &Incoming, call: &Call) -> Outcome {
    let path = request.path();
    // Nothing of WeChat's begins like ours.
    let target = if path.starts_with("/v1/") { None } else { Target::parse(path) };
    if let Some(target) = target {
        // A box of its own, as below.
        return Box::pin(facade::answer(request, call, target)).await;
    }
    let route = Route::parse(path);
    let centre = &call.centre;
    if request.method == "OPTIONS" && route.as_ref().is_some_and(pages::is_for_pages) {
        return pages::preflight(centre, request);
    }
    let mut caller = None;
    let outcome = match known(request, path, route) {
        Ok(Route::Health) => return health::show(call),
        Ok(Route::Script) => return pages::script(),
        Ok(Route::OpenApi) => return openapi::show(),
        Err(problem) => Err(problem),
        // 2.
        Ok(route) => match gate::authenticate(request, centre) {
            Ok(found) => {
                caller = Some(found.name.as_str());
                // 3.
                match gate::permitted(centre, found, &route, request) {
                    Ok(app) => match pages::limit(call, found, request.ip).await {
                        Ok(()) => serve(request, call, found, &route, app).await,
                        Err(problem) => Err(problem),
                    },
                    Err(problem) => Err(problem),
                }
            }
            Err(problem) => {
                gate::look_busy(centre, &route, request);
                Err(gate::turn_away(call, request.ip, problem).await)
            }
        },
    };
    history::note(call, &Asked::by(route.as_ref()), caller, request.ip, &outcome);
    outcome
}

/// Step 1: what can be said without knowing who asks.
fn known<'r>(request: &Incoming, path: &str, route: Option<Route<'r>>) -> Result<Route<'r>, Problem> {
    if request.url.len() > MAX_URL_BYTES {
        let detail = format!("A URL may have {MAX_URL_BYTES} bytes here; a long page URL is sent by POST.");
        return Err(Problem::new(Code::TooLarge, detail));
    }
    let route = route.ok_or_else(|| nowhere(path))?;
    if !route.knows(&request.method) {
        let allow = route.methods();
        let detail = format!("This path knows {allow}.");
        return Err(Problem::new(Code::MethodNotAllowed, detail).allowing(allow));
    }
    if !matches!(route, Route::Health | Route::Script | Route::OpenApi)
        && !route.takes_parameters()
        && request.query().is_some()
    {
        return Err(Problem::new(Code::InvalidRequest, "This path takes no query parameters."));
    }
    Ok(route)
}

fn nowhere(path: &str) -> Problem {
    let detail = if path == "/console" || path.starts_with("/console/") {
        "The console has no such file. If /console/ itself is missing: add [assets] with directory = \"assets\" to wrangler.toml."
    } else {
        "There is no such path here; docs/api.md lists them."
    };
    Problem::new(Code::NotFound, detail)
}

/// Steps 4 and 5, for a caller who may do this to the app.
async fn serve(
    request: &Incoming,
    call: &Call,
    caller: &Caller,
    route: &Route<'_>,
    app: Option<AppName>,
) -> Outcome {
    let ready = |app| gate::ready(&call.centre, app);
    match (route, &app) {
        (Route::Read(_, kind), Some(app)) => {
            credential::show(request, call, caller, &ready(app)?, *kind).await
        }
        (Route::Signature(_), Some(app)) => signature::sign(request, call, &ready(app)?).await,
        // A box of its own: what is asked for now and then does not make the future of a hot read larger.
        (_, Some(app)) => Box::pin(serve_app(request, call, caller, route, app)).await,
        (_, None) => Box::pin(serve_all(request, call, caller, route)).await,
    }
}

/// What names no app.
async fn serve_all(request: &Incoming, call: &Call, caller: &Caller, route: &Route<'_>) -> Outcome {
    match route {
        Route::Metrics => metrics::show(request, call, caller).await,
        Route::TestAlert => test_alert::send_one(call).await,
        _ => status::all(request, call, caller).await,
    }
}

async fn serve_app(
    request: &Incoming,
    call: &Call,
    caller: &Caller,
    route: &Route<'_>,
    app: &AppName,
) -> Outcome {
    let ready = || gate::ready(&call.centre, app);
    match *route {
        Route::Events(_) => events::page(request, call, app).await,
        Route::Trends(_) => trends::show(call, app).await,
        Route::Check(_) => check::now(request, call, &*ready()?).await,
        Route::Explain(_) => explain::show(request, call, caller, &ready()?).await,
        Route::Refresh(_, kind) => refresh::report(request, call, caller, &ready()?, kind).await,
        Route::Revoke(_) => revoke::begin(call, &*ready()?).await,
        Route::Reseal(_) => reseal::all(call, &*ready()?).await,
        Route::CardSignature(_) => card_signature::sign(request, call, &ready()?).await,
        Route::Api(_, path) => facade::pass_native(request, path, call, caller, &ready()?).await,
        // The others have been answered.
        _ => status::one(call, app).await,
    }
}
