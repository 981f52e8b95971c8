//! The clock and the randomness that the core takes as arguments, and a limit for what may take too long.

use futures_util::future::{Either, select};
use std::cell::RefCell;
use std::pin::pin;
use std::time::Duration;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::web_sys::Url;
use worker::{Date, Delay};
use zhongkong_core::keeper::Instant;
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
    Date::now().as_millis()
}

/// Random bytes from the platform.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    get_random_values(&mut bytes);
    bytes
}

/// A host name as browsers have it; `None` for what is none.
pub(crate) fn host_in_ascii(host: &str) -> Option<String> {
    let url = Url::new(&format!("https://{host}")).ok()?;
    let host = url.hostname();
    // Nothing but a host: no port, path, query, fragment or password.
    (!host.is_empty() && url.href() == format!("https://{host}/")).then_some(host)
}

/// A URL as a browser has it in `location.href`, without what follows the `#`; `None` for what is none.
pub(crate) fn as_in_address_bar(url: &str) -> Option<String> {
    let url = Url::new(url).ok().filter(|url| url.protocol().starts_with("http"))?;
    url.set_hash("");
    Some(url.href())
}

/// Nonces are public and asked for by the thousand, so their bytes are drawn for many at once.
const NONCES_AT_ONCE: usize = 64;

thread_local! {
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

/// Now, with a random number for the jitter of what is decided.
pub(crate) fn instant() -> Instant {
    Instant { now_ms: now_millis(), dice: u32::from_le_bytes(random()) }
}

/// What a future comes to, unless it takes longer than `limit`: then it is dropped.
pub(crate) async fn timeout<F: Future>(future: F, limit: Duration) -> Option<F::Output> {
    match select(pin!(future), pin!(Delay::from(limit))).await {
        Either::Left((output, _)) => Some(output),
        Either::Right(_) => None,
    }
}
