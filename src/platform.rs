//! The clock and the randomness that the core takes as arguments.

use wasm_bindgen::prelude::wasm_bindgen;
use zhongkong_core::engine::Moment;
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
    worker::Date::now().as_millis()
}

/// Random bytes from the platform.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    get_random_values(&mut bytes);
    bytes
}

/// Now, with a random number for the engine's jitter.
pub(crate) fn moment() -> Moment {
    Moment { now: now(), dice: u32::from_le_bytes(random()) }
}
