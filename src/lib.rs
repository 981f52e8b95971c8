//! zhongkong (中控): the WeChat token centre as a Cloudflare Worker.
//!
//! A thin shell around [`zhongkong_core`]: bindings → core → effects. This file holds the entry
//! points and nothing else.

mod analytics;
mod answer;
mod api;
mod bindings;
mod call;
mod cron;
mod facade;
mod gate;
mod glue;
mod history;
mod incoming;
mod journals;
mod keeper;
mod log;
mod pages;
mod panic;
mod platform;
mod read;
mod router;
mod runtime;
mod shelf;
mod store;
mod together;
mod trouble;
mod turn;
mod webhook;

use crate::runtime::{Context, Env};
use incoming::Incoming;
use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

/// Runs first in every instance.
#[wasm_bindgen(start)]
fn start() {
    panic::watch();
}

/// Answers a request, whose head is read already (src/entry.mjs): with a response, or with a promise of one.
#[wasm_bindgen]
#[expect(
    clippy::too_many_arguments,
    reason = "texts cost less on the way here than an object that holds them"
)]
pub fn serve(
    request: web_sys::Request,
    env: Env,
    context: worker_sys::Context,
    method: String,
    url: String,
    authorization: Option<String>,
    ip: Option<String>,
    now_ms: f64,
) -> JsValue {
    let request = Incoming::new(request, method, url, authorization, ip.as_deref());
    let call = call::Call { centre: bindings::centre(&env), env, context: Context(context) };
    turn::answer(now_ms, answer(request, call))
}

/// `Err` where no answer could be built; src/entry.mjs has one of its own for that, and logs no more of an error than its name.
async fn answer(request: Incoming, call: call::Call) -> Result<JsValue, JsValue> {
    #[cfg(feature = "panic-on-purpose")]
    panic::on_purpose(request.header("X-Panic").as_deref(), "before");
    let page = pages::origin_of(&request, &call.centre);
    let outcome = router::route(&request, &call).await;
    #[cfg(feature = "panic-on-purpose")]
    panic::on_purpose(request.header("X-Panic").as_deref(), "after");
    answer::into_js(outcome, page.as_deref())
}

/// Runs each minute: a promise of nothing. What fails is logged.
#[wasm_bindgen]
pub fn scheduled(env: Env) -> Promise {
    turn::promise(async move {
        cron::tick(&bindings::centre(&env), &env).await;
        Ok(JsValue::UNDEFINED)
    })
}
