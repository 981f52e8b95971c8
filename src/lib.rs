//! zhongkong (中控): the WeChat token centre as a Cloudflare Worker.
//!
//! A thin shell around [`zhongkong_core`]: bindings → core → effects. This file holds the entry
//! points and nothing else.

mod analytics;
mod answer;
mod api;
mod bindings;
mod body;
mod call;
mod cron;
mod facade;
mod gate;
mod history;
mod journals;
mod keeper;
mod log;
mod pages;
mod panic;
mod platform;
mod read;
mod router;
mod shelf;
mod store;
mod webhook;

use worker::{Context, Env, Request, Response, ScheduleContext, ScheduledEvent, event};

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> worker::Result<Response> {
    let call = call::Call { centre: bindings::centre(&env), env, context };
    #[cfg(feature = "panic-on-purpose")]
    let again = request.clone()?;
    #[cfg(feature = "panic-on-purpose")]
    panic::on_purpose(&again, "before");
    let page = pages::origin_of(&request, &call.centre);
    let outcome = router::route(request, call).await;
    #[cfg(feature = "panic-on-purpose")]
    panic::on_purpose(&again, "after");
    pages::open_to(answer::from_outcome(outcome)?, page.as_deref())
}

/// Runs each minute. Nothing is returned: the runtime drops an `Err` here, so what fails is logged.
#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    cron::tick(&bindings::centre(&env), &env).await;
}
