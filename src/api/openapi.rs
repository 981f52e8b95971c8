//! `GET /openapi.json`: the native API as an OpenAPI document.

use crate::answer::{self, Outcome};

const DOCUMENT: &str = include_str!("../../docs/openapi.json");

/// The document. No I/O.
pub(crate) fn show() -> Outcome {
    answer::public(DOCUMENT, "application/json")
}
