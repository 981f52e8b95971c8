//! JSON in pieces: objects of a few members that are written once, as answers and lines of a log are. No tree is made of them.

use super::write::{quote, write_to};
use serde::Serialize;

/// JSON that is written already.
#[derive(Debug)]
pub struct Piece(String);

impl Piece {
    /// Whatever serde can write; `null` where that has no text.
    pub fn of(value: &impl Serialize) -> Self {
        let mut out = String::new();
        value.put(&mut out);
        Self(out)
    }

    /// The same object, with these members behind the others.
    #[must_use]
    pub fn and(self, members: &[(&str, &dyn Written)]) -> Self {
        self.followed_by(object(members))
    }

    /// Two objects as one, or two lists. What is neither stays as it is.
    #[must_use]
    pub fn followed_by(self, more: Self) -> Self {
        let (text, more) = (self.0, more.0);
        let joint = match (text.as_bytes(), more.as_bytes()) {
            ([b'{', inner @ .., b'}'], [b'{', _, ..]) | ([b'[', inner @ .., b']'], [b'[', _, ..]) => {
                let comma = if inner.is_empty() || more.len() == 2 { "" } else { "," };
                text.get(..=inner.len())
                    .zip(more.get(1..))
                    .map(|(before, more)| [before, comma, more].concat())
            }
            _ => None,
        };
        Self(joint.unwrap_or(text))
    }

    /// Its text.
    pub fn into_text(self) -> String {
        self.0
    }
}

/// What may stand in a [`Piece`]: whatever serde can write, and other pieces.
pub trait Written {
    /// Writes it behind `out`; what has no text is written as `null`.
    fn put(&self, out: &mut String);
}

impl<T: ?Sized + Serialize> Written for T {
    fn put(&self, out: &mut String) {
        let before = out.len();
        if write_to(&self, out).is_err() {
            out.truncate(before);
            out.push_str("null");
        }
    }
}

impl Written for Piece {
    fn put(&self, out: &mut String) {
        out.push_str(&self.0);
    }
}

/// An object with these members, in this order. Each name stands once.
pub fn object(members: &[(&str, &dyn Written)]) -> Piece {
    enclosed('{', '}', members, |(name, value), out| {
        quote(name, out);
        out.push(':');
        value.put(out);
    })
}

/// A piece, or `null`.
pub fn maybe(piece: Option<Piece>) -> Piece {
    piece.unwrap_or_else(|| Piece("null".to_owned()))
}

/// A list of values of any kind.
pub fn row(values: &[&dyn Written]) -> Piece {
    enclosed('[', ']', values, |value, out| value.put(out))
}

/// A list of pieces.
pub fn list(items: impl IntoIterator<Item = Piece>) -> Piece {
    let items: Vec<Piece> = items.into_iter().collect();
    enclosed('[', ']', &items, Written::put)
}

fn enclosed<T>(opening: char, closing: char, parts: &[T], put: impl Fn(&T, &mut String)) -> Piece {
    let mut out = String::from(opening);
    for (nth, part) in parts.iter().enumerate() {
        if nth > 0 {
            out.push(',');
        }
        put(part, &mut out);
    }
    out.push(closing);
    Piece(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_any_kind_stand_in_their_order() {
        let nothing: Option<u64> = None;
        let inner = list([object(&[("x", &1)]), object(&[])]);
        let piece = object(&[
            ("b", &"\"x"),
            ("a", &7),
            ("c", &nothing),
            ("d", &vec!["e"]),
            ("f", &0.5),
            ("g", &inner),
        ]);
        assert_eq!(piece.into_text(), r#"{"b":"\"x","a":7,"c":null,"d":["e"],"f":null,"g":[{"x":1},{}]}"#);
        let piece = Piece::of(&"x").and(&[("a", &1)]);
        assert_eq!(piece.into_text(), "\"x\"", "no object");
        let piece = object(&[]).and(&[]).and(&[("a", &1)]).and(&[("b", &2), ("c", &3)]).and(&[]);
        assert_eq!(piece.into_text(), r#"{"a":1,"b":2,"c":3}"#);
        let piece = row(&[&1]).followed_by(row(&[])).followed_by(row(&[&"2", &None::<()>]));
        assert_eq!(piece.into_text(), r#"[1,"2",null]"#);
        assert_eq!(
            object(&[("a", &maybe(None)), ("b", &maybe(Some(list([]))))]).into_text(),
            r#"{"a":null,"b":[]}"#
        );
    }
}
