//! Bindings of Cloudflare's by their plain methods, with JSON on both sides. The `worker` crate's own types for them make and read
//! their values field by field, which is 15 kB of the wasm, gzipped. Functions of our own JavaScript: glue.rs.

use js_sys::futures::JsFuture;
use js_sys::{Array, Function, JSON, Promise, Reflect};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use wasm_bindgen::{JsCast as _, JsValue};
use worker::web_sys::{self, RequestInit};
use worker::{Headers, Request};
use zhongkong_core::json;

/// JSON as a value of JavaScript.
pub(crate) fn value(value: &Value) -> JsValue {
    JSON::parse(&value.to_string()).unwrap_or(JsValue::UNDEFINED)
}

/// A value of JavaScript, read as JSON.
pub(crate) fn read<T: DeserializeOwned>(value: &JsValue) -> worker::Result<T> {
    read_text(&String::from(JSON::stringify(value)?))
}

/// JSON, where an answer has to be an error of the `worker` crate.
pub(crate) fn read_text<T: DeserializeOwned>(text: &str) -> worker::Result<T> {
    json::read(text).map_err(|unreadable| worker::Error::RustError(unreadable.to_string()))
}

/// Calls a method.
pub(crate) fn call(this: &JsValue, method: &str, arguments: &[JsValue]) -> Result<JsValue, JsValue> {
    let method: Function = Reflect::get(this, &JsValue::from_str(method))?.dyn_into()?;
    method.apply(this, &arguments.iter().collect::<Array>())
}

/// Calls a method that answers later.
pub(crate) async fn wait(this: &JsValue, method: &str, arguments: &[JsValue]) -> Result<JsValue, JsValue> {
    JsFuture::from(Promise::resolve(&call(this, method, arguments)?)).await
}

/// Whether a rate limit lets this key through.
pub(crate) async fn is_within(limit: &JsValue, key: &str) -> worker::Result<bool> {
    let outcome = wait(limit, "limit", &[value(&json!({"key": key}))]).await?;
    let success = Reflect::get(&outcome, &JsValue::from_str("success"))?.as_bool();
    success.ok_or_else(|| worker::Error::RustError("a rate limit answered something else".to_owned()))
}

/// A request. The crate's own brings along everything that Cloudflare's `cf` may hold.
pub(crate) fn request(url: &str, headers: &Headers, init: &RequestInit) -> worker::Result<Request> {
    init.set_headers(headers.as_ref());
    // The error's text would hold the URL.
    let request = web_sys::Request::new_with_str_and_init(url, init);
    request.map(Request::from).map_err(|_| worker::Error::RustError("no URL for a request".to_owned()))
}
