//! What goes wrong with the platform: storage, bindings, other objects. Its text is for the log, and holds no secret; callers are told
//! something else.

use std::fmt;
use wasm_bindgen::JsValue;
use zhongkong_core::json::{Unreadable, Unwritable};

/// A failure, in words. Small, since it is handed on by many.
#[derive(Debug)]
pub(crate) struct Trouble(Box<str>);

/// What comes of asking the platform.
pub(crate) type Result<T> = std::result::Result<T, Trouble>;

impl Trouble {
    /// One of our own words.
    pub(crate) fn new(text: &str) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Unwritable> for Trouble {
    fn from(unwritable: Unwritable) -> Self {
        Self(unwritable.to_string().into())
    }
}

impl From<Unreadable> for Trouble {
    fn from(unreadable: Unreadable) -> Self {
        Self(unreadable.to_string().into())
    }
}

impl From<Trouble> for JsValue {
    fn from(trouble: Trouble) -> Self {
        Self::from_str(&trouble.0)
    }
}
