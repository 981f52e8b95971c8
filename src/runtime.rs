//! What the runtime hands us, bound by `worker-sys`: an environment, a request's context, a Durable Object's state. And a pause. The
//! `worker` crate, which has the same for everything that Workers can do, would bring 52 more crates and 11 kB of wasm.

use crate::{glue, trouble, turn};
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use js_sys::futures::JsFuture;
use js_sys::{Date, Object, Promise};
use std::pin::Pin;
use std::task::{self, Poll};
use std::time::Duration;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker_sys::{DurableObjectState, SqlStorage};

#[wasm_bindgen]
extern "C" {
    /// Vars, secrets, and everything else that is bound.
    #[derive(Clone)]
    pub type Env;
}

/// The life of a request.
pub(crate) struct Context(pub(crate) worker_sys::Context);

impl Context {
    /// Goes on with this when the request is answered.
    pub(crate) fn wait_until(&self, later: LocalBoxFuture<'static, ()>) {
        // It fails outside of any request only, and the work goes on all the same.
        let _ = self.0.wait_until(&promise(later));
    }
}

/// A Durable Object's own.
pub(crate) struct State(pub(crate) DurableObjectState);

impl State {
    /// Goes on with this when whoever has asked is answered.
    pub(crate) fn wait_until(&self, later: LocalBoxFuture<'static, ()>) {
        let _ = self.0.wait_until(&promise(later));
    }

    /// Its database.
    pub(crate) fn sqlite(&self) -> trouble::Result<SqlStorage> {
        Ok(self.0.storage()?.sql())
    }

    /// Sets its alarm, in place of the one before.
    pub(crate) async fn set_alarm_at(&self, at_ms: u64) -> trouble::Result<()> {
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        let at = Date::new(&JsValue::from_f64(at_ms as f64));
        JsFuture::from(self.0.storage()?.set_alarm(at, Object::new())?).await?;
        Ok(())
    }
}

fn promise(later: LocalBoxFuture<'static, ()>) -> Promise {
    turn::promise(later.map(|()| Ok(JsValue::UNDEFINED)))
}

/// A wait that can be given up: dropped, it takes its timer along, since an object with a timer is not put to rest.
pub(crate) struct Pause {
    timer: glue::Timer,
    rings: JsFuture,
}

impl Pause {
    /// Begins now.
    pub(crate) fn of(duration: Duration) -> Self {
        let timer = glue::timer(glue::millis(duration));
        let rings = JsFuture::from(timer.rings());
        Self { timer, rings }
    }
}

impl Future for Pause {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<()> {
        self.rings.poll_unpin(context).map(drop)
    }
}

impl Drop for Pause {
    fn drop(&mut self) {
        self.timer.stop();
    }
}
