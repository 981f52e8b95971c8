//! The fast path's way in and out: src/entry.js calls it with the head of each request before anything else.
//!
//! It is all that an engineer who knows workers-rs will find surprising here, and it is worth half of the time of a
//! hot read: no `Request`, no promise, no task, and a body that JavaScript has already. What it answers, and when it
//! declines, is decided in [`zhongkong_core::http::fast`].

use crate::{bindings, panic, platform};
use js_sys::Uint8Array;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use zhongkong_core::app::AppName;
use zhongkong_core::credential::Credential;
use zhongkong_core::http::bodies::{self, Surface};
use zhongkong_core::http::fast::{self, Answer};
use zhongkong_core::http::head::Head;
use zhongkong_core::record::Record;
use zhongkong_core::time::UnixTime;

/// A class for the names alone: worker-build makes a method of the Worker, callable by RPC, of every function that
/// stands by itself.
#[wasm_bindgen]
pub struct FastPath;

#[wasm_bindgen]
impl FastPath {
    /// Constructing any class has the shim replace an instance that is broken. It does nothing else.
    #[wasm_bindgen(constructor)]
    #[must_use]
    #[expect(clippy::missing_const_for_fn, reason = "wasm-bindgen exports none")]
    pub fn new() -> Self {
        Self
    }

    /// Comes before every other call of the wasm, since it has no texts: wasm-bindgen replaces an instance that
    /// has trapped at the next call, and would do so after it has written the texts of that call into the memory of the
    /// old one. In a new instance it sets the panic hook.
    pub fn probe() {
        panic::set_hook();
    }

    /// The body of an answer with status 200 in JSON, as a text or as bytes; `undefined` where the ordinary path has to answer.
    #[must_use]
    pub fn answer(
        method: &str,
        url: &str,
        authorization: Option<String>,
        ip: Option<String>,
        now_ms: f64,
    ) -> JsValue {
        #[cfg(feature = "panic-on-purpose")]
        panic::on_purpose(ip.as_deref(), "fast");
        let ip = ip.and_then(|ip| ip.parse().ok());
        let head = Head { method, url, authorization: authorization.as_deref().unwrap_or_default(), ip };
        let now_ms = whole(now_ms);
        let answered = bindings::with_known_centre(|centre| {
            let memory = &mut *centre.memory.try_borrow_mut().ok()?;
            fast::answer(&centre.config, memory, &head, now_ms, platform::nonce_bytes)
        });
        match answered {
            None => JsValue::UNDEFINED,
            Some(Answer::Body(text)) => Uint8Array::new_from_slice(text.as_bytes()).into(),
            Some(Answer::Credential(surface, ready, credential, record)) => {
                bytes(surface, &ready.app.name, credential, &record, UnixTime::from_millis(now_ms)).into()
            }
        }
    }
}

impl Default for FastPath {
    fn default() -> Self {
        Self::new()
    }
}

/// JavaScript's milliseconds are whole, and far below 2^53.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time after 1970")]
const fn whole(millis: f64) -> u64 {
    millis as u64
}

/// A body that JavaScript has, and what it was made of.
struct Rendered {
    record: Rc<Record>,
    now: UnixTime,
    bytes: Uint8Array,
}

type Bodies = BTreeMap<AppName, BTreeMap<(Surface, Credential), Rendered>>;

thread_local! {
    static BODIES: RefCell<Bodies> = const { RefCell::new(BTreeMap::new()) };
}

/// The body for this second, made once in it. Nobody writes into it: whether a response copies it or keeps it does not matter.
fn bytes(
    surface: Surface,
    app: &AppName,
    credential: Credential,
    record: &Rc<Record>,
    now: UnixTime,
) -> Uint8Array {
    BODIES.with_borrow_mut(|bodies| {
        let known = bodies.get(app).and_then(|bodies| bodies.get(&(surface, credential)));
        if let Some(known) = known.filter(|known| known.now == now && Rc::ptr_eq(&known.record, record)) {
            return known.bytes.clone();
        }
        let text = bodies::credential(surface, credential, record, now);
        let bytes = Uint8Array::new_from_slice(text.as_bytes());
        let rendered = Rendered { record: Rc::clone(record), now, bytes: bytes.clone() };
        bodies.entry(app.clone()).or_default().insert((surface, credential), rendered);
        bytes
    })
}
