//! `GET /openapi.json`: the native API as an OpenAPI document, which is docs/openapi.json. Its text is part of the script
//! (src/entry.mjs), not of the wasm.

use crate::answer::{self, Outcome};
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = globalThis, js_name = __zhongkong_openapi)]
    fn document() -> String;
}

/// The document. No I/O.
pub(crate) fn show() -> Outcome {
    answer::public(&document(), "application/json")
}
