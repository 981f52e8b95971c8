//! What happens when something panics, which nothing should: one line in the log, and whoever is being
//! served gets a 500 (src/entry.mjs). The next request is served by a new instance of the wasm.

use crate::{glue, log};
use std::panic;

/// Sets the hook, in place of the standard library's, which has nowhere to write.
pub(crate) fn watch() {
    panic::set_hook(Box::new(|info| {
        // The place only: a message may quote the text that something went wrong with.
        let place = info.location().map(ToString::to_string);
        log::error("panicked", &[("detail", &place)]);
        glue::panicked();
        #[cfg(debug_assertions)]
        console_error_panic_hook::hook(info);
    }));
}

/// Panics here if the header `X-Panic` of the request names this place. In a build for tests only.
#[cfg(feature = "panic-on-purpose")]
#[expect(clippy::panic, reason = "that is what it is for")]
pub(crate) fn on_purpose(asked: Option<&str>, place: &str) {
    if asked == Some(place) {
        panic!("on purpose, {place}");
    }
}
