//! Functions of our own JavaScript: those of src/entry.mjs, under `globalThis.__zhongkong`.

use js_sys::futures::JsFuture;
use js_sys::{Promise, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast as _, JsValue};
use worker::worker_sys::web_sys::ReadableStream;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = __zhongkong, js_name = read)]
    fn beginning_of(stream: ReadableStream, most_bytes: u32, thrown_away_bytes: u32) -> Promise;

    /// A response with status 200 and the headers of every answer in JSON. The body is a text, or bytes that nobody will change:
    /// a view of the wasm's memory is none, since not every version of workerd takes a copy (cloudflare/workerd#4995).
    #[wasm_bindgen(js_namespace = __zhongkong)]
    pub(crate) fn json_response(body: &JsValue) -> JsValue;

    /// Ends whoever is being served by this instance.
    #[wasm_bindgen(js_namespace = __zhongkong)]
    pub(crate) fn panicked();

    /// The text of docs/openapi.json: it is part of the script, not of the wasm.
    #[wasm_bindgen(js_namespace = __zhongkong)]
    pub(crate) fn openapi() -> String;
}

/// A body ended before its end.
#[derive(Debug)]
pub(crate) struct BrokeOff;

/// Of a request that is too long so much is read in vain, so that the caller hears our answer.
const THROWN_AWAY_BYTES: u32 = 8 * 1024 * 1024;

/// The body of an answer, or its beginning when it is longer than this: one byte more at least.
pub(crate) async fn read(stream: ReadableStream, most_bytes: usize) -> Result<Vec<u8>, BrokeOff> {
    bytes(beginning_of(stream, bounded(most_bytes), 0)).await
}

/// The same of a request.
pub(crate) async fn read_request(stream: ReadableStream, most_bytes: usize) -> Result<Vec<u8>, BrokeOff> {
    bytes(beginning_of(stream, bounded(most_bytes), THROWN_AWAY_BYTES)).await
}

fn bounded(most_bytes: usize) -> u32 {
    u32::try_from(most_bytes).unwrap_or(u32::MAX)
}

async fn bytes(beginning: Promise) -> Result<Vec<u8>, BrokeOff> {
    let beginning = JsFuture::from(beginning).await.map_err(|_| BrokeOff)?;
    Ok(Uint8Array::unchecked_from_js(beginning).to_vec())
}
