//! What happens when something panics, which nothing should: one line in the log, and whoever is being
//! served gets a 500 (src/entry.mjs). The next request is served by a new instance of the wasm.

use crate::log;
use serde_json::json;
use std::panic;
use wasm_bindgen::{JsCast as _, JsValue};

/// Sets the hook, in place of the one of the `worker` crate, which logs the message.
pub(crate) fn watch() {
    panic::set_hook(Box::new(|info| {
        // The place only: a message may quote the text that something went wrong with.
        let place = info.location().map(ToString::to_string);
        log::error("panicked", json!({"detail": place}));
        tell_entry();
        #[cfg(debug_assertions)]
        console_error_panic_hook::hook(info);
    }));
}

/// Calls `globalThis.__zhongkong_panicked`, where src/entry.mjs is around us.
fn tell_entry() {
    let name = JsValue::from_str("__zhongkong_panicked");
    if let Ok(told) = js_sys::Reflect::get(&js_sys::global(), &name)
        && let Some(told) = told.dyn_ref::<js_sys::Function>()
    {
        drop(told.call0(&JsValue::NULL));
    }
}

/// Panics here if the request says `X-Panic: {place}`. In a build for tests only.
#[cfg(feature = "panic-on-purpose")]
#[expect(clippy::panic, reason = "that is what it is for")]
pub(crate) fn on_purpose(request: &worker::Request, place: &str) {
    if request.headers().get("X-Panic").ok().flatten().as_deref() == Some(place) {
        panic!("on purpose, {place}");
    }
}
