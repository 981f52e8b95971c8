//! zhongkong (中控): the WeChat token centre as a Cloudflare Worker.
//!
//! A thin shell around [`zhongkong_core`]: bindings → core → effects. This file holds the entry
//! points and nothing else.

mod analytics;
mod answer;
mod api;
mod bindings;
mod body;
mod client;
mod context;
mod cron;
mod exchange;
mod facade;
mod fast;
mod gate;
mod history;
mod log;
mod objects;
mod pages;
mod panic;
mod platform;
mod read;
mod router;
mod store;
mod upstream;
mod webhook;

use context::RequestContext;
use worker::web_sys::Request;
use worker::{Context, Env, Response, ScheduleContext, ScheduledEvent, event};

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> worker::Result<Response> {
    let request = RequestContext::new(request, bindings::centre(&env), env, context);
    #[cfg(feature = "panic-on-purpose")]
    panic::on_purpose(request.header("X-Panic").as_deref(), "before");
    let page = pages::origin_of(&request);
    let outcome = router::route(&request).await;
    #[cfg(feature = "panic-on-purpose")]
    panic::on_purpose(request.header("X-Panic").as_deref(), "after");
    answer::into_response(outcome, page.as_deref())
}

/// Runs each minute. Nothing is returned: the runtime drops an `Err` here, so what fails is logged.
#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    cron::tick(&bindings::centre(&env), &env).await;
}
