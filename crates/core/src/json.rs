//! JSON: how types are read ([`read`]) and written ([`write()`]), and answers put together ([`object`]). Those that are given a thousand
//! times a second are written straight into one text ([`Object`]).

mod piece;
mod read;
mod tree;
mod write;

pub use piece::{Piece, Written, list, maybe, object, row};
pub use read::{Unreadable, read, read_exactly, tree};
pub use write::{Unwritable, write};

use core::fmt::Write as _;

/// An object that is being written; members stand in the order in which they are added.
#[derive(Debug)]
pub struct Object(String);

impl Object {
    /// An empty object, with room for so many bytes.
    pub fn with_room_for(bytes: usize) -> Self {
        let mut text = String::with_capacity(bytes);
        text.push('{');
        Self(text)
    }

    /// Adds a text. The name is written as it stands: it needs no escape.
    #[must_use]
    pub fn text(mut self, name: &'static str, value: &str) -> Self {
        self.name(name);
        write::quote(value, &mut self.0);
        self
    }

    /// Adds a number.
    #[must_use]
    pub fn number(mut self, name: &'static str, value: u64) -> Self {
        self.name(name);
        // Writing to a String cannot fail.
        let _ = write!(self.0, "{value}");
        self
    }

    /// Adds `true` or `false`.
    #[must_use]
    pub fn boolean(mut self, name: &'static str, value: bool) -> Self {
        self.name(name);
        self.0.push_str(if value { "true" } else { "false" });
        self
    }

    /// The text of the object.
    pub fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }

    fn name(&mut self, name: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push('"');
        self.0.push_str(name);
        self.0.push_str("\":");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    #[test]
    fn members_stand_in_their_order() {
        let text = Object::with_room_for(8).text("b", "x").number("a", 7).finish();
        assert_eq!(text, r#"{"b":"x","a":7}"#);
        assert_eq!(Object::with_room_for(0).finish(), "{}");
    }

    proptest! {
        /// Whatever stands in it, serde reads the same.
        #[test]
        fn any_text_and_number_is_read_back(text: String, number: u64) {
            let written = Object::with_room_for(64).text("text", &text).number("number", number).boolean("is", number > 7).finish();
            let read: Value = serde_json::from_str(&written).unwrap();
            prop_assert_eq!(read, json!({"text": text, "number": number, "is": number > 7}));
        }
    }
}
