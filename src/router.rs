//! From a request to its handler: WeChat's own paths to the façade, ours to the native API. Everything that can
//! be refused without I/O is refused before any; what was handed out or refused is noted in the app's history.

use crate::answer::Outcome;
use crate::api::{
    card_signature, check, credential, events, explain, health, metrics, openapi, refresh, reseal, revoke,
    signature, status, test_alert, trends,
};
use crate::context::RequestContext;
use crate::{facade, gate, history, pages};
use zhongkong_core::audit::Asked;
use zhongkong_core::facade::Target;
use zhongkong_core::http::admit::{Admission, Granted, Refused, admit, ready};
use zhongkong_core::http::route::Route;

/// Answers a request.
///
/// 1. The request is admitted ([`admit`]: 400, 401, 403, 404, 405, 413, 500; 429 after many without a valid key).
/// 2. A visitor of a page that holds a key is within the limit (429).
/// 3. The settings that it takes are sound (500, naming them).
/// 4. The handler. The history is told of all of it, but for `/healthz`, `/jssdk.js` and `/openapi.json`.
pub(crate) async fn route(request: &RequestContext) -> Outcome {
    let head = request.head();
    let path = head.path();
    // Nothing of WeChat's begins like ours.
    if !path.starts_with("/v1/")
        && let Some(target) = Target::parse(path)
    {
        return facade::answer(request, target).await;
    }
    if head.method == "OPTIONS" && Route::parse(path).is_some_and(|route| route.is_for_pages()) {
        return pages::preflight(request);
    }
    // 1.
    let (outcome, caller, route) = match admit(&request.centre.config, &head, || request.header("Origin")) {
        Ok(Admission::Public(route)) => return public(request, &route),
        Ok(Admission::Granted(granted)) => {
            // 2.
            let outcome = match pages::limit(request, granted.caller).await {
                Ok(()) => serve(request, &granted).await,
                Err(problem) => Err(problem),
            };
            (outcome, Some(granted.caller), Some(granted.route))
        }
        Err(Refused { problem, caller, route }) => {
            let problem = if caller.is_none() { gate::turn_away(request, problem).await } else { problem };
            (Err(problem), caller, route)
        }
    };
    let caller = caller.map(|caller| caller.name.as_str());
    history::note(request, &Asked::by(route.as_ref()), caller, &outcome);
    outcome
}

fn public(request: &RequestContext, route: &Route<'_>) -> Outcome {
    match route {
        Route::Script => pages::script(),
        Route::OpenApi => openapi::show(),
        _ => health::show(request),
    }
}

/// Steps 3 and 4.
async fn serve(request: &RequestContext, granted: &Granted<'_, '_>) -> Outcome {
    let Granted { caller, route, app } = *granted;
    let Some(app) = app else {
        return match route {
            Route::Metrics => metrics::show(request, caller).await,
            Route::TestAlert => test_alert::send_one(request).await,
            _ => status::all(request, caller).await,
        };
    };
    let ready = || ready(&request.centre.config, app);
    match route {
        Route::Read(_, credential) => credential::show(request, ready()?, credential).await,
        Route::Signature(_) => signature::sign(request, ready()?).await,
        Route::Refresh(_, credential) => refresh::report(request, caller, ready()?, credential).await,
        Route::Events(_) => events::page(request, app).await,
        Route::Trends(_) => trends::show(request, app).await,
        Route::Check(_) => check::now(request, ready()?).await,
        Route::Explain(_) => explain::show(request, caller, ready()?).await,
        Route::Revoke(_) => revoke::begin(request, ready()?).await,
        Route::Reseal(_) => reseal::all(request, ready()?).await,
        Route::CardSignature(_) => card_signature::sign(request, ready()?).await,
        Route::Api(_, path) => facade::pass_native(request, path, caller, ready()?).await,
        // Those that name no app have been answered.
        Route::App(_)
        | Route::Health
        | Route::Script
        | Route::OpenApi
        | Route::Metrics
        | Route::TestAlert
        | Route::Apps => status::one(request, app).await,
    }
}
