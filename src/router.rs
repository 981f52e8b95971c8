//! From a request to its handler: WeChat's own paths to the façade, ours to the native API. Everything that can
//! be refused without I/O is refused before any; what was handed out or refused is noted in the app's history.

use crate::answer::Outcome;
use crate::api::{
    card_signature, check, credential, events, explain, health, metrics, openapi, refresh, reseal, revoke,
    signature, status, test_alert, trends,
};
use crate::context::RequestContext;
use crate::{facade, gate, history, pages};
use futures_util::FutureExt as _;
use futures_util::future::{self, LocalBoxFuture};
use zhongkong_core::audit::Asked;
use zhongkong_core::config::ReadyApp;
use zhongkong_core::credential::{Credential, TicketType};
use zhongkong_core::facade::Target;
use zhongkong_core::http::admit::{Admission, Granted, Refused, admit, ready};
use zhongkong_core::http::route::Route;
use zhongkong_core::problem::{Code, Problem};

/// Answers a request.
///
/// 0. It came to a host name that is served, where `HOSTS` lists them (403).
/// 1. The request is admitted ([`admit`]: 400, 401, 403, 404, 405, 413, 500; 429 after many without a valid key).
/// 2. The caller is within its limit, and so is a visitor of a page that holds a key (429).
/// 3. The settings that it takes are sound (500, naming them).
/// 4. The handler. The history is told of all of it, but for `/healthz`, `/jssdk.js` and `/openapi.json`.
pub(crate) async fn route(request: &RequestContext) -> Outcome {
    let head = request.head();
    let path = head.path();
    if !request.centre.config.hosts.serve(head.url) {
        return Err(wrong_host());
    }
    if let Some(target) = Target::of_request(path, head.query()) {
        return facade::answer(request, target).boxed_local().await;
    }
    if head.method == "OPTIONS" && Route::parse(path).is_some_and(|route| route.is_for_pages()) {
        return pages::preflight(request);
    }
    // 1.
    let (outcome, caller, route) = match admit(&request.centre.config, &head, || request.header("Origin")) {
        Ok(Admission::Public(route)) => return public(request, &route),
        Ok(Admission::Granted(granted)) => {
            // 2.
            let bounded = async {
                gate::bound(request, granted.caller, answered_by(request, &granted)).await?;
                pages::limit(request, granted.caller).await
            };
            let outcome = match bounded.await {
                Ok(()) => serve(request, &granted).await,
                Err(problem) => Err(problem),
            };
            (outcome, Some(granted.caller), Some(granted.route))
        }
        Err(Refused { problem, caller, route }) => {
            let problem = match caller {
                None => gate::turn_away(request, problem).await,
                Some(caller) if caller.is_publishable() => gate::turn_page_away(request, problem).await,
                Some(_) => problem,
            };
            (Err(problem), caller, route)
        }
    };
    let caller = caller.map(|caller| caller.name.as_str());
    history::note(request, &Asked::by(route.as_ref()), caller, &outcome);
    outcome
}

/// The copy in memory that would answer, if it is there.
fn answered_by<'a>(
    request: &'a RequestContext,
    granted: &Granted<'a, '_>,
) -> Option<(&'a ReadyApp, Credential)> {
    let credential = match granted.route {
        Route::Read(_, credential) if request.head().query().is_none() => credential,
        Route::Signature(_) => Credential::Ticket(TicketType::Jsapi),
        _ => return None,
    };
    let ready = ready(&request.centre.config, granted.app?).ok()?;
    Some((ready, credential))
}

fn wrong_host() -> Problem {
    let detail = "There is no answer under this host name: the setting HOSTS lists those that there are.";
    Problem::new(Code::NotAllowed, detail)
}

fn public(request: &RequestContext, route: &Route<'_>) -> Outcome {
    match route {
        Route::Script => pages::script(),
        Route::OpenApi => openapi::show(),
        _ => health::show(request),
    }
}

/// Steps 3 and 4. Boxed, as handlers of a router are: a cold start compiles the one that its first request needs, not all.
fn serve<'a>(request: &'a RequestContext, granted: &Granted<'a, 'a>) -> LocalBoxFuture<'a, Outcome> {
    let Granted { caller, route, app } = *granted;
    let Some(app) = app else {
        return match route {
            Route::Metrics => metrics::show(request, caller).boxed_local(),
            Route::TestAlert => test_alert::send_one(request).boxed_local(),
            _ => status::all(request, caller).boxed_local(),
        };
    };
    // Those that tell about an app tell also of one that is configured wrongly.
    match route {
        Route::App(_) => return status::one(request, app).boxed_local(),
        Route::Events(_) => return events::page(request, app).boxed_local(),
        Route::Trends(_) => return trends::show(request, app).boxed_local(),
        _ => {}
    }
    let ready = match ready(&request.centre.config, app) {
        Ok(ready) => ready,
        Err(problem) => return future::ready(Err(problem)).boxed_local(),
    };
    match route {
        Route::Read(_, credential) => credential::show(request, ready, credential).boxed_local(),
        Route::Signature(_) => signature::sign(request, ready).boxed_local(),
        Route::Refresh(_, credential) => refresh::report(request, caller, ready, credential).boxed_local(),
        Route::Check(_) => check::now(request, ready).boxed_local(),
        Route::Explain(_) => explain::show(request, caller, ready).boxed_local(),
        Route::Revoke(_) => revoke::begin(request, ready).boxed_local(),
        Route::Reseal(_) => reseal::all(request, ready).boxed_local(),
        Route::CardSignature(_) => card_signature::sign(request, ready).boxed_local(),
        Route::Api(_, path) => facade::pass_native(request, path, caller, ready).boxed_local(),
        // Those that name no app, and those that tell about one, have been answered.
        Route::App(_)
        | Route::Events(_)
        | Route::Trends(_)
        | Route::Health
        | Route::Script
        | Route::OpenApi
        | Route::Metrics
        | Route::TestAlert
        | Route::Apps => status::one(request, app).boxed_local(),
    }
}
