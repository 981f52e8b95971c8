//! The clock and the randomness that the core takes as arguments.

use std::cell::{Cell, RefCell};
use wasm_bindgen::prelude::wasm_bindgen;
use zhongkong_core::engine::Moment;
use zhongkong_core::signature::NONCE_CHARS;
use zhongkong_core::time::UnixTime;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues)]
    fn get_random_values(bytes: &mut [u8]);
}

/// The time of this event. Read it once and pass it on: a deployed Worker's clock stands still
/// between I/O.
pub(crate) fn now() -> UnixTime {
    UnixTime::from_millis(now_millis())
}

/// The same in milliseconds, for deadlines.
pub(crate) fn now_millis() -> u64 {
    NOW_MS.get().unwrap_or_else(|| whole(js_sys::Date::now()))
}

/// JavaScript's milliseconds are whole, and far below 2^53.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time after 1970")]
const fn whole(millis: f64) -> u64 {
    millis as u64
}

/// Does something that waits for nothing, at this time. The clock is not asked again: a deployed Worker's stands still
/// meanwhile anyway.
pub(crate) fn at_once<T>(now_ms: f64, work: impl FnOnce() -> T) -> T {
    NOW_MS.set(Some(whole(now_ms)));
    let done = work();
    // A panic ends the instance, and this with it.
    NOW_MS.set(None);
    done
}

/// Random bytes from the platform.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    get_random_values(&mut bytes);
    bytes
}

/// Nonces are public, and asked for by the thousand: their bytes are drawn for many at once.
const NONCES_AT_ONCE: usize = 64;

thread_local! {
    static NOW_MS: Cell<Option<u64>> = const { Cell::new(None) };
    static NONCES: RefCell<Vec<[u8; NONCE_CHARS]>> = const { RefCell::new(Vec::new()) };
}

/// The bytes of one nonce. Each is given once.
pub(crate) fn nonce_bytes() -> [u8; NONCE_CHARS] {
    NONCES.with_borrow_mut(|drawn| {
        if drawn.is_empty() {
            let bytes: [u8; NONCES_AT_ONCE * NONCE_CHARS] = random();
            drawn.extend(bytes.as_chunks().0);
        }
        drawn.pop().unwrap_or_else(random)
    })
}

/// Now, with a random number for the engine's jitter.
pub(crate) fn moment() -> Moment {
    Moment { now: now(), dice: u32::from_le_bytes(random()) }
}
