//! Bodies that were handed to JavaScript a moment ago. Many ask the same within a second, and what is the same need not be made
//! twice. Nobody ever writes into them: whether a response takes a copy or keeps them does not matter.

use js_sys::Uint8Array;
use std::cell::RefCell;

/// So many are kept, each in the place that its bytes give it.
const PLACES: usize = 64;

thread_local! {
    static MADE: RefCell<[Option<(String, Uint8Array)>; PLACES]> = const { RefCell::new([const { None }; PLACES]) };
}

/// The bytes of the text, as JavaScript has them.
pub(super) fn bytes_of(text: String) -> Uint8Array {
    // A few bytes tell most texts apart; two that share a place are made in turn.
    let sample = text.bytes().step_by(16);
    let place =
        sample.fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte))) % PLACES;
    let make = |text: &str| Uint8Array::new_from_slice(text.as_bytes());
    MADE.with_borrow_mut(|made| match made.get_mut(place) {
        Some(Some((before, bytes))) if *before == text => bytes.clone(),
        Some(slot) => {
            let bytes = make(&text);
            *slot = Some((text, bytes.clone()));
            bytes
        }
        None => make(&text),
    })
}
