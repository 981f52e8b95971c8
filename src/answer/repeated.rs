//! Texts that were handed to JavaScript a moment ago. To make a string of JavaScript costs more than all else that a hot read
//! does here; the same text need not be made twice.

use std::cell::RefCell;
use wasm_bindgen::JsValue;

/// So many texts are kept, each in the place that its bytes give it.
const PLACES: usize = 64;

thread_local! {
    static MADE: RefCell<[Option<(String, JsValue)>; PLACES]> = const { RefCell::new([const { None }; PLACES]) };
}

/// The text as JavaScript has it.
pub(super) fn to_js(text: String) -> JsValue {
    // A few bytes tell most texts apart; two that share a place are made in turn.
    let sample = text.bytes().step_by(16);
    let place =
        sample.fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte))) % PLACES;
    MADE.with_borrow_mut(|made| {
        let Some(slot) = made.get_mut(place) else { return JsValue::from_str(&text) };
        match slot {
            Some((before, string)) if *before == text => string.clone(),
            _ => {
                let string = JsValue::from_str(&text);
                slot.insert((text, string)).1.clone()
            }
        }
    })
}
