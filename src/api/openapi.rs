//! `GET /openapi.json`: the native API as an OpenAPI document, which is docs/openapi.json. Its text is part of the script
//! (src/glue.mjs), not of the wasm.

use crate::answer::{self, Outcome};
use crate::glue;

/// The document. No I/O.
pub(crate) fn show() -> Outcome {
    answer::public(glue::openapi(), "application/json")
}
