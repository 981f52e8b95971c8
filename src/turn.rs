//! The first turn of a request: what can be answered without waiting is answered at once. A promise would cost as much again.

use crate::platform;
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use futures_util::task::AtomicWaker;
use js_sys::Promise;
use js_sys::futures::future_to_promise;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use wasm_bindgen::JsValue;

/// Wakes whoever polls by now. A future is polled with this one always: timers of the `worker` crate keep the waker that they
/// have seen first.
#[derive(Default)]
struct Bell(AtomicWaker);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.wake();
    }
}

/// The answer, or a promise of it; `undefined` where none could be built.
pub(crate) fn answer(
    now_ms: f64,
    answering: impl Future<Output = Result<JsValue, JsValue>> + 'static,
) -> JsValue {
    let mut answering = Box::pin(answering);
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(Arc::clone(&bell));
    let mut poll = move || answering.as_mut().poll(&mut Context::from_waker(&waker));
    match platform::at_once(now_ms, &mut poll) {
        Poll::Ready(answer) => answer.unwrap_or(JsValue::UNDEFINED),
        Poll::Pending => {
            // Polled at once: had the bell rung before it was registered, nothing would be missed.
            let promised = poll_fn(move |context| {
                bell.0.register(context.waker());
                poll()
            });
            promise(promised).into()
        }
    }
}

/// A promise of what a future comes to. In a box: what makes a promise of it is compiled once, not for each kind of future.
pub(crate) fn promise(future: impl Future<Output = Result<JsValue, JsValue>> + 'static) -> Promise {
    let boxed: LocalBoxFuture<'static, _> = future.boxed_local();
    future_to_promise(boxed)
}
