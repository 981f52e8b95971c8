//! What happens when something panics, which nothing should: one line in the log, and every request that this
//! instance is serving gets a 500 (src/entry.js). The next request is served by a new instance of the wasm.

use crate::log;
use serde_json::json;
use std::cell::Cell;
use std::panic;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen(module = "/src/js/panicked.js")]
extern "C" {
    /// Marks the instance as broken, which src/entry.js sees at once.
    fn panicked();
}

thread_local! {
    static IS_SET: Cell<bool> = const { Cell::new(false) };
}

/// Sets the hook once, in place of the one of the `worker` crate: that logs the message, which may hold a secret. Not in
/// a start function: the crate's own may come later.
pub(crate) fn set_hook() {
    if IS_SET.replace(true) {
        return;
    }
    panic::set_hook(Box::new(|info| {
        // The place only: a message may quote the text that something went wrong with.
        let place = info.location().map(ToString::to_string);
        log::error("panicked", json!({"detail": place}));
        panicked();
        #[cfg(debug_assertions)]
        console_error_panic_hook::hook(info);
    }));
}

/// Ends the instance here if a request names this place: `before` panics, `trap before` traps without a panic, `overflow before`
/// uses the stack up. In a build for tests only.
#[cfg(feature = "panic-on-purpose")]
#[expect(clippy::panic, reason = "that is what it is for")]
pub(crate) fn on_purpose(asked: Option<&str>, place: &str) {
    match asked.and_then(|asked| asked.strip_suffix(place)) {
        Some("") => panic!("on purpose, {place}"),
        Some("trap ") => std::process::abort(),
        Some("overflow ") => drop(deeper(0)),
        _ => {}
    }
}

#[cfg(feature = "panic-on-purpose")]
#[expect(unconditional_recursion, reason = "that is what it is for")]
fn deeper(depth: u64) -> String {
    format!("{depth}{}", deeper(std::hint::black_box(depth + 1)))
}
