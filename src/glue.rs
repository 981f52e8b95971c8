//! Functions of our own JavaScript: those of src/glue.mjs, under `globalThis.__zhongkong`. Whatever takes many objects of JavaScript is
//! one call here: each step from here would be a crossing, and code on both sides.

use crate::trouble::{self, Trouble};
use js_sys::futures::JsFuture;
use js_sys::{Array, Promise, RegExp, Uint8Array};
use std::time::Duration;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{Headers, ReadableStream, Request, Response};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = __zhongkong, js_name = read)]
    fn beginning_of(stream: ReadableStream, most_bytes: u32, thrown_away_bytes: u32) -> Promise;

    #[wasm_bindgen(js_namespace = __zhongkong, js_name = whole)]
    fn bytes_of(message: &JsValue) -> Promise;

    #[wasm_bindgen(js_namespace = __zhongkong, js_name = send)]
    fn sent(url: &str, method: &str, headers: &Headers, body: &JsValue, patience_ms: u32) -> Promise;

    #[wasm_bindgen(js_namespace = __zhongkong, js_name = exchange)]
    fn exchanged(
        url: &str,
        method: &str,
        headers: &Headers,
        body: &JsValue,
        patience_ms: u32,
        most_bytes: u32,
    ) -> Promise;

    /// What a Durable Object answers to a question in JSON: a promise of a text, of `undefined` when it is not well. It is made near
    /// this place, if it is not there yet.
    #[wasm_bindgen(js_namespace = __zhongkong)]
    pub(crate) fn ask(objects: &JsValue, name: &str, near: &str, url: &str, question: &str) -> Promise;

    // Of a store everything is a promise, and of `undefined` when it takes longer than so many ms.

    /// A text of KV, or of one of its caches: a promise of `null` when there is none.
    #[wasm_bindgen(js_namespace = __zhongkong)]
    pub(crate) fn kv_get(kv: &JsValue, key: &str, cache_ttl_s: u32, patience_ms: u32) -> Promise;

    /// The texts of a list of keys in JSON, as another, with `null` for what is not there.
    #[wasm_bindgen(js_namespace = __zhongkong)]
    pub(crate) fn kv_get_many(kv: &JsValue, keys: &str, patience_ms: u32) -> Promise;

    /// A text and what stands beside it: `{"value", "metadata"}` in JSON.
    #[wasm_bindgen(js_namespace = __zhongkong)]
    pub(crate) fn kv_get_whole(kv: &JsValue, key: &str, cache_ttl_s: u32, patience_ms: u32) -> Promise;

    /// Puts a text, with options in JSON.
    #[wasm_bindgen(js_namespace = __zhongkong)]
    pub(crate) fn kv_put(kv: &JsValue, key: &str, text: &str, options: &str, patience_ms: u32) -> Promise;

    /// Carries out a statement of D1. Its values come as JSON, and so do the rows that it finds.
    #[wasm_bindgen(js_namespace = __zhongkong)]
    pub(crate) fn d1(db: &JsValue, statement: &str, values: &str, patience_ms: u32) -> Promise;

    #[wasm_bindgen(js_namespace = __zhongkong, js_name = is_within)]
    fn asks_limit(limit: &JsValue, key: &str) -> Promise;

    /// Writes a data point, which is JSON.
    #[wasm_bindgen(js_namespace = __zhongkong, catch)]
    pub(crate) fn write_data_point(dataset: &JsValue, point: &str) -> Result<(), JsValue>;

    /// Writes a line of the log by this method of the console.
    #[wasm_bindgen(js_namespace = __zhongkong)]
    pub(crate) fn log(method: &str, line: &str);

    /// A response with status 200 and the headers of every answer in JSON. The body is a text, or bytes that nobody will change:
    /// a view of the wasm's memory is none, since not every version of workerd takes a copy (cloudflare/workerd#4995).
    #[wasm_bindgen(js_namespace = __zhongkong)]
    pub(crate) fn json_response(body: &JsValue) -> JsValue;

    /// Any other response of ours. `headers` are lines of name and value, in place of those that every answer has, or beside them.
    #[wasm_bindgen(js_namespace = __zhongkong, catch)]
    pub(crate) fn response(
        body: Option<String>,
        status: u16,
        content_type: &str,
        headers: &str,
    ) -> Result<JsValue, JsValue>;

    /// The headers of a request, but for those whose names, in lower case, match.
    #[wasm_bindgen(js_namespace = __zhongkong)]
    pub(crate) fn headers_but(request: &Request, left: &RegExp) -> Headers;

    /// The headers of an answer, one a line.
    #[wasm_bindgen(js_namespace = __zhongkong)]
    pub(crate) fn header_lines(answer: &Response) -> String;

    /// Another's answer with this body, without the headers that are named one a line, and guarded against what a browser would make
    /// of it on a host of ours. A body that is a stream is scrubbed as it passes.
    #[wasm_bindgen(js_namespace = __zhongkong, catch)]
    pub(crate) fn passed_on(
        answer: &Response,
        body: &JsValue,
        left_out: &str,
        scrubbing: &JsValue,
    ) -> Result<Response, JsValue>;

    /// A var or secret, as a text; what is something else comes as JSON.
    #[wasm_bindgen(js_namespace = __zhongkong)]
    pub(crate) fn setting(env: &JsValue, name: &str) -> Option<String>;

    /// What is bound under a name: `undefined` for nothing, `null` for something without this method.
    #[wasm_bindgen(js_namespace = __zhongkong)]
    pub(crate) fn binding(env: &JsValue, name: &str, method: &str) -> JsValue;

    /// Carries out a statement of SQLite. Its values come as JSON, and so do the rows that it finds.
    #[wasm_bindgen(js_namespace = __zhongkong, catch)]
    pub(crate) fn sql(storage: &JsValue, statement: &str, values: &str) -> Result<String, JsValue>;

    /// A timer that rings after so many ms.
    #[wasm_bindgen(js_namespace = __zhongkong)]
    pub(crate) fn timer(ms: u32) -> Timer;

    pub(crate) type Timer;

    /// A promise that is kept when it rings, or is stopped.
    #[wasm_bindgen(method, getter)]
    pub(crate) fn rings(this: &Timer) -> Promise;

    #[wasm_bindgen(method)]
    pub(crate) fn stop(this: &Timer);

    /// What an error says, without its name.
    #[wasm_bindgen(js_namespace = __zhongkong)]
    pub(crate) fn message(error: &JsValue) -> String;

    /// Ends whoever is being served by this instance.
    #[wasm_bindgen(js_namespace = __zhongkong)]
    pub(crate) fn panicked();

    /// The text of docs/openapi.json: it is part of the script, not of the wasm.
    #[wasm_bindgen(js_namespace = __zhongkong)]
    pub(crate) fn openapi() -> String;

    /// The text of src/pages/jssdk.js, likewise.
    #[wasm_bindgen(js_namespace = __zhongkong)]
    pub(crate) fn page_script() -> String;
}

impl From<JsValue> for Trouble {
    fn from(error: JsValue) -> Self {
        Self::new(&message(&error))
    }
}

/// A body ended before its end.
#[derive(Debug)]
pub(crate) struct BrokeOff;

/// Why there is no answer. No word of the platform's: it may hold the URL.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    Unreachable,
    Late,
}

/// Of a request that is too long so much is read in vain, so that the caller hears our answer.
const THROWN_AWAY_BYTES: u32 = 8 * 1024 * 1024;

/// The body of an answer, or its beginning when it is longer than this: one byte more at least.
pub(crate) async fn read(stream: ReadableStream, most_bytes: usize) -> Result<Vec<u8>, BrokeOff> {
    bytes(beginning_of(stream, bounded(most_bytes), 0)).await.map(|bytes| bytes.to_vec())
}

/// The same of a request. The bytes stay where they are: some only go on to somebody else.
pub(crate) async fn read_request(stream: ReadableStream, most_bytes: usize) -> Result<Uint8Array, BrokeOff> {
    bytes(beginning_of(stream, bounded(most_bytes), THROWN_AWAY_BYTES)).await
}

/// The body of a request or response that has said how long it is, and is short.
pub(crate) async fn whole(message: &JsValue) -> Result<Uint8Array, BrokeOff> {
    bytes(bytes_of(message)).await
}

async fn bytes(promised: Promise) -> Result<Uint8Array, BrokeOff> {
    JsFuture::from(promised).await.map(Uint8Array::unchecked_from_js).map_err(|_| BrokeOff)
}

/// What is promised; `None` for `undefined`.
pub(crate) async fn promised(promise: Promise) -> Result<Option<JsValue>, JsValue> {
    let kept = JsFuture::from(promise).await?;
    Ok((!kept.is_undefined()).then_some(kept))
}

/// Whether a rate limit lets this key through.
pub(crate) async fn is_within(limit: &JsValue, key: &str) -> trouble::Result<bool> {
    let success = JsFuture::from(asks_limit(limit, key)).await?.as_bool();
    success.ok_or_else(|| Trouble::new("a rate limit answered something else"))
}

/// Sends a request. The answer has to begin within this time; its body may take longer. Redirects are not followed, and nothing on the
/// way keeps it.
pub(crate) async fn send(
    url: &str,
    method: &str,
    headers: &Headers,
    body: &JsValue,
    patience: Duration,
) -> Option<Response> {
    let response = JsFuture::from(sent(url, method, headers, body, millis(patience))).await.ok()?;
    response.dyn_into().ok()
}

/// Sends a request, and reads status and body of the answer, all of it within this time. A body that is longer is cut off; with
/// 0 none is waited for.
pub(crate) async fn exchange(
    url: &str,
    headers: &Headers,
    body: Option<&str>,
    patience: Duration,
    most_bytes: usize,
) -> Result<(u16, Vec<u8>), NoAnswer> {
    let (method, body) = body.map_or(("GET", JsValue::UNDEFINED), |body| ("POST", JsValue::from_str(body)));
    let promised = exchanged(url, method, headers, &body, millis(patience), bounded(most_bytes));
    let came = JsFuture::from(promised).await.map_err(|_| NoAnswer::Unreachable)?;
    if came.is_null() {
        return Err(NoAnswer::Late);
    }
    let parts: Array = came.dyn_into().map_err(|_| NoAnswer::Unreachable)?;
    let status = parts.get(0).as_f64().unwrap_or_default();
    let mut body = Uint8Array::unchecked_from_js(parts.get(1)).to_vec();
    body.truncate(most_bytes);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "three digits")]
    Ok((status as u16, body))
}

fn bounded(most_bytes: usize) -> u32 {
    u32::try_from(most_bytes).unwrap_or(u32::MAX)
}

/// Patience and pauses are a matter of seconds.
pub(crate) fn millis(patience: Duration) -> u32 {
    u32::try_from(patience.as_millis()).unwrap_or(u32::MAX)
}
