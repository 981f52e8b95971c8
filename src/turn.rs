//! The first turn of a request: what can be answered without waiting is answered at once. A promise would cost as much again.

use crate::platform;
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use js_sys::Promise;
use js_sys::futures::future_to_promise;
use std::task::{Context, Poll, Waker};
use wasm_bindgen::JsValue;

/// The answer, or a promise of it; `undefined` where none could be built.
pub(crate) fn answer(
    now_ms: f64,
    answering: impl Future<Output = Result<JsValue, JsValue>> + 'static,
) -> JsValue {
    let mut answering = answering.boxed_local();
    // It wakes nobody: whoever keeps the promise polls once more in any case. From then on each future has to wake the waker that it was
    // shown last, as `Future` demands: one that kept the first (timers of the `worker` crate do) would wait for ever.
    let mut first = Context::from_waker(Waker::noop());
    match platform::at_once(now_ms, || answering.as_mut().poll(&mut first)) {
        Poll::Ready(answer) => answer.unwrap_or(JsValue::UNDEFINED),
        Poll::Pending => future_to_promise(answering).into(),
    }
}

/// A promise of what a future comes to. In a box: what makes a promise of it is compiled once, not for each kind of future.
pub(crate) fn promise(future: impl Future<Output = Result<JsValue, JsValue>> + 'static) -> Promise {
    let boxed: LocalBoxFuture<'static, _> = future.boxed_local();
    future_to_promise(boxed)
}
