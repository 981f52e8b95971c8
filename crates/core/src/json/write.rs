//! Types as JSON, in little code: straight into one text, in the order in which a type has its fields. serde_json's writer is made for
//! everything that can be written to, and for fractions, and is compiled anew for each type; here there is one text, and no error on
//! the way but one.

use core::fmt::{self, Write as _};
use serde::ser::{
    Error, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

/// This has no text: a fraction, bytes, or a map whose keys are no texts. The centre has none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unwritable;

/// The text of a value.
///
/// # Errors
/// [`Unwritable`].
pub fn write(value: &impl Serialize) -> Result<String, Unwritable> {
    let mut out = String::new();
    write_to(value, &mut out).map(|()| out)
}

/// Writes it behind what is there.
pub(super) fn write_to(value: &impl Serialize, out: &mut String) -> Result<(), Unwritable> {
    value.serialize(Text(out))
}

/// Writes a text, in quotes (RFC 8259, 7).
pub(super) fn quote(text: &str, out: &mut String) {
    let stands = |byte: u8| !matches!(byte, b'"' | b'\\' | ..=0x1f);
    out.push('"');
    if text.bytes().all(stands) {
        out.push_str(text);
    } else {
        for char in text.chars() {
            match u8::try_from(char) {
                Ok(b'\n') => out.push_str("\\n"),
                Ok(byte @ (b'"' | b'\\')) => out.extend(['\\', char::from(byte)]),
                // Writing to a String cannot fail.
                Ok(byte) if !stands(byte) => _ = write!(out, "\\u{byte:04x}"),
                _ => out.push(char),
            }
        }
    }
    out.push('"');
}

impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("something could not be written as JSON")
    }
}

impl core::error::Error for Unwritable {}

impl Error for Unwritable {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

/// Where a value is to be written.
struct Text<'t>(&'t mut String);

impl<'t> Text<'t> {
    fn put(self, text: &str) -> Result<(), Unwritable> {
        self.0.push_str(text);
        Ok(())
    }

    /// Behind a name.
    fn named(self, name: &str) -> Self {
        quote(name, self.0);
        self.0.push(':');
        self
    }

    /// The tag of an enum's variant, with what comes before and behind it.
    fn tagged(self, tag: &str, behind: &str) -> &'t mut String {
        self.0.push('{');
        quote(tag, self.0);
        self.0.push_str(behind);
        self.0
    }

    fn within(self, opening: char, closing: &'static str) -> Members<'t> {
        self.0.push(opening);
        Members { out: self.0, is_first: true, closing }
    }
}

/// Items of a list, or members of an object.
struct Members<'t> {
    out: &'t mut String,
    is_first: bool,
    closing: &'static str,
}

impl Members<'_> {
    fn next(&mut self) -> &mut String {
        if !core::mem::replace(&mut self.is_first, false) {
            self.out.push(',');
        }
        self.out
    }

    fn close(self) -> Result<(), Unwritable> {
        self.out.push_str(self.closing);
        Ok(())
    }
}

macro_rules! integers {
    ($($method:ident: $kind:ty as $wide:ty),*) => {
        $(fn $method(self, number: $kind) -> Result<(), Unwritable> {
            let number: $wide = number.into();
            // Writing to a String cannot fail.
            let _ = write!(self.0, "{number}");
            Ok(())
        })*
    };
}

impl<'t> Serializer for Text<'t> {
    type Ok = ();
    type Error = Unwritable;
    type SerializeSeq = Members<'t>;
    type SerializeTuple = Members<'t>;
    type SerializeTupleStruct = Members<'t>;
    type SerializeTupleVariant = Members<'t>;
    type SerializeMap = Members<'t>;
    type SerializeStruct = Members<'t>;
    type SerializeStructVariant = Members<'t>;

    integers!(serialize_u8: u8 as u64, serialize_u16: u16 as u64, serialize_u32: u32 as u64, serialize_u64: u64 as u64);
    integers!(serialize_i8: i8 as i64, serialize_i16: i16 as i64, serialize_i32: i32 as i64, serialize_i64: i64 as i64);

    fn serialize_bool(self, is: bool) -> Result<(), Unwritable> {
        self.put(if is { "true" } else { "false" })
    }

    fn serialize_f32(self, _: f32) -> Result<(), Unwritable> {
        Err(Unwritable)
    }

    fn serialize_f64(self, _: f64) -> Result<(), Unwritable> {
        Err(Unwritable)
    }

    fn serialize_char(self, char: char) -> Result<(), Unwritable> {
        self.serialize_str(char.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, text: &str) -> Result<(), Unwritable> {
        quote(text, self.0);
        Ok(())
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), Unwritable> {
        Err(Unwritable)
    }

    fn serialize_none(self) -> Result<(), Unwritable> {
        self.put("null")
    }

    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<(), Unwritable> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Unwritable> {
        self.put("null")
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Unwritable> {
        self.put("null")
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, tag: &'static str) -> Result<(), Unwritable> {
        self.serialize_str(tag)
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: u32,
        tag: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        let out = self.tagged(tag, ":");
        value.serialize(Text(out))?;
        out.push('}');
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Members<'t>, Unwritable> {
        Ok(self.within('[', "]"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Members<'t>, Unwritable> {
        Ok(self.within('[', "]"))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Members<'t>, Unwritable> {
        Ok(self.within('[', "]"))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        tag: &'static str,
        _: usize,
    ) -> Result<Members<'t>, Unwritable> {
        Ok(Members { out: self.tagged(tag, ":["), is_first: true, closing: "]}" })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Members<'t>, Unwritable> {
        Ok(self.within('{', "}"))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Members<'t>, Unwritable> {
        Ok(self.within('{', "}"))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        tag: &'static str,
        _: usize,
    ) -> Result<Members<'t>, Unwritable> {
        Ok(Members { out: self.tagged(tag, ":{"), is_first: true, closing: "}}" })
    }
}

/// Items and fields are written alike, whatever they are part of; fields have a name.
macro_rules! members {
    ($($kind:ident: $method:ident($($name:ident)?);)*) => {
        $(impl $kind for Members<'_> {
            type Ok = ();
            type Error = Unwritable;

            fn $method<T: ?Sized + Serialize>(
                &mut self,
                $($name: &'static str,)?
                value: &T,
            ) -> Result<(), Unwritable> {
                value.serialize(Text(self.next())$(.named($name))?)
            }

            fn end(self) -> Result<(), Unwritable> {
                self.close()
            }
        })*
    };
}

members! {
    SerializeSeq: serialize_element();
    SerializeTuple: serialize_element();
    SerializeTupleStruct: serialize_field();
    SerializeTupleVariant: serialize_field();
    SerializeStruct: serialize_field(name);
    SerializeStructVariant: serialize_field(name);
}

impl SerializeMap for Members<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_key<T: ?Sized + Serialize>(&mut self, key: &T) -> Result<(), Unwritable> {
        let out = self.next();
        let before = out.len();
        key.serialize(Text(out))?;
        if out.as_bytes().get(before) == Some(&b'"') { Ok(()) } else { Err(Unwritable) }
    }

    fn serialize_value<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.out.push(':');
        value.serialize(Text(self.out))
    }

    fn end(self) -> Result<(), Unwritable> {
        self.close()
    }
}

#[cfg(test)]
mod tests;
