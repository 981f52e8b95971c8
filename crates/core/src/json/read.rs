//! Types out of JSON, in little code. What serde derives is compiled anew for each type and each way to read; serde_json's is made
//! for speed, and for all that Worker and Keeper say to each other it came to a fifth of the wasm. Here a text becomes a
//! tree first, which exists once; then a struct is given its fields in their own order, so it needs no search for names.
//!
//! Out of scope, and not to be derived: `alias`, `flatten`, enums without a tag or with one inside.

use core::fmt;
use serde::de::value::BorrowedStrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error, Expected, MapAccess, SeqAccess,
    Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Value, map};

/// This is no JSON, or not of the form that was expected. It does not tell where: what it quoted might be a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

/// Reads JSON that we have written. A field that is `null` or missing is `None` or its default; fields without a place are left out, and
/// of one that stands twice the last counts.
///
/// # Errors
/// [`Unreadable`].
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, Unreadable> {
    T::deserialize(Node { value: Some(&tree(text)?), exactly: false })
}

/// Reads JSON that somebody else has written: refuses a field that has no place, and a name that stands twice in one object.
///
/// # Errors
/// [`Unreadable`].
pub fn read_exactly<T: DeserializeOwned>(text: &str) -> Result<T, Unreadable> {
    let tree = super::tree::read(text, true).map_err(|_| Unreadable)?;
    T::deserialize(Node { value: Some(&tree), exactly: true })
}

/// Reads JSON of any form.
///
/// # Errors
/// [`Unreadable`].
pub fn tree(text: &str) -> Result<Value, Unreadable> {
    super::tree::read(text, false).map_err(|_| Unreadable)
}

/// A place in the tree; `None` where something is missing.
#[derive(Clone, Copy)]
struct Node<'de> {
    value: Option<&'de Value>,
    exactly: bool,
}

impl<'de> Node<'de> {
    const fn below(self, value: Option<&'de Value>) -> Self {
        Self { value, ..self }
    }

    fn text(self) -> Result<&'de str, Unreadable> {
        self.value.and_then(Value::as_str).ok_or(Unreadable)
    }

    fn items(self) -> Result<Items<'de>, Unreadable> {
        let items = self.value.and_then(Value::as_array).ok_or(Unreadable)?;
        Ok(Items { items: items.iter(), node: self })
    }

    fn object(self) -> Result<&'de Map<String, Value>, Unreadable> {
        self.value.and_then(Value::as_object).ok_or(Unreadable)
    }

    fn fields(self, names: &'static [&'static str]) -> Result<Fields<'de>, Unreadable> {
        let object = self.object()?;
        let has_place = |(name, _): (&String, &Value)| names.contains(&name.as_str());
        if self.exactly && !object.iter().all(has_place) {
            return Err(Unreadable);
        }
        Ok(Fields { object, names: names.iter(), node: self })
    }

    /// A name, or an object with one member: the name and what it holds.
    fn variant(self) -> Result<Variant<'de>, Unreadable> {
        match self.value {
            Some(Value::String(name)) => Ok(Variant { name, held: self.below(None) }),
            Some(Value::Object(object)) if object.len() == 1 => {
                let (name, value) = object.iter().next().ok_or(Unreadable)?;
                Ok(Variant { name, held: self.below(Some(value)) })
            }
            _ => Err(Unreadable),
        }
    }
}

/// Numbers: each with the width that is asked for, which the visitor checks.
macro_rules! numbers {
    ($($method:ident: $read:ident, $visit:ident;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
            visitor.$visit(self.value.and_then(Value::$read).ok_or(Unreadable)?)
        }
    )*};
}

impl<'de> Deserializer<'de> for Node<'de> {
    type Error = Unreadable;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self.value.ok_or(Unreadable)? {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(value), _, _) => visitor.visit_u64(value),
                (_, Some(value), _) => visitor.visit_i64(value),
                (_, _, value) => visitor.visit_f64(value.ok_or(Unreadable)?),
            },
            Value::String(value) => visitor.visit_borrowed_str(value),
            Value::Array(_) => visitor.visit_seq(self.items()?),
            Value::Object(object) => {
                visitor.visit_map(Members { members: object.iter(), held: None, node: self })
            }
        }
    }

    numbers! {
        deserialize_bool: as_bool, visit_bool;
        deserialize_u8: as_u64, visit_u64;
        deserialize_u16: as_u64, visit_u64;
        deserialize_u32: as_u64, visit_u64;
        deserialize_u64: as_u64, visit_u64;
        deserialize_i8: as_i64, visit_i64;
        deserialize_i16: as_i64, visit_i64;
        deserialize_i32: as_i64, visit_i64;
        deserialize_i64: as_i64, visit_i64;
        deserialize_f32: as_f64, visit_f64;
        deserialize_f64: as_f64, visit_f64;
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_borrowed_str(self.text()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        if self.value.is_none_or(Value::is_null) { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_seq(self.items()?)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Unreadable> {
        let items = self.items()?;
        if items.items.len() == length { visitor.visit_seq(items) } else { Err(Unreadable) }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_map(Members { members: self.object()?.iter(), held: None, node: self })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        visitor.visit_seq(self.fields(names)?)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        visitor.visit_enum(self.variant()?)
    }

    forward_to_deserialize_any! { i128 u128 char bytes byte_buf unit unit_struct tuple_struct identifier ignored_any }
}

/// The fields of a struct, in the order in which it has them.
struct Fields<'de> {
    object: &'de Map<String, Value>,
    names: core::slice::Iter<'static, &'static str>,
    node: Node<'de>,
}

impl<'de> Fields<'de> {
    fn next(&mut self) -> Option<Node<'de>> {
        let name = self.names.next()?;
        Some(self.node.below(self.object.get(*name)))
    }
}

impl<'de> SeqAccess<'de> for Fields<'de> {
    type Error = Unreadable;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Unreadable> {
        let Some(node) = self.next() else { return Ok(None) };
        match seed.deserialize(node) {
            Ok(value) => Ok(Some(value)),
            // Where nothing cannot be read as something, serde takes the default, or there is none: then it fails.
            Err(_) if node.value.is_none() => Ok(None),
            Err(unreadable) => Err(unreadable),
        }
    }
}

struct Items<'de> {
    items: core::slice::Iter<'de, Value>,
    node: Node<'de>,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Unreadable;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Unreadable> {
        self.items.next().map(|item| seed.deserialize(self.node.below(Some(item)))).transpose()
    }
}

struct Members<'de> {
    members: map::Iter<'de>,
    held: Option<&'de Value>,
    node: Node<'de>,
}

impl<'de> MapAccess<'de> for Members<'de> {
    type Error = Unreadable;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Unreadable> {
        let Some((name, value)) = self.members.next() else { return Ok(None) };
        self.held = Some(value);
        seed.deserialize(BorrowedStrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Unreadable> {
        seed.deserialize(self.node.below(self.held))
    }
}

struct Variant<'de> {
    name: &'de str,
    held: Node<'de>,
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = Unreadable;
    type Variant = Node<'de>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Node<'de>), Unreadable> {
        Ok((seed.deserialize(BorrowedStrDeserializer::new(self.name))?, self.held))
    }
}

impl<'de> VariantAccess<'de> for Node<'de> {
    type Error = Unreadable;

    fn unit_variant(self) -> Result<(), Unreadable> {
        if self.value.is_none_or(Value::is_null) { Ok(()) } else { Err(Unreadable) }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Unreadable> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Unreadable> {
        self.deserialize_tuple(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        visitor.visit_seq(self.fields(names)?)
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("this JSON is not of the form that was expected")
    }
}

impl core::error::Error for Unreadable {}

/// Nothing of what serde would tell is kept.
impl Error for Unreadable {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }

    fn invalid_type(_: Unexpected<'_>, _: &dyn Expected) -> Self {
        Self
    }

    fn invalid_value(_: Unexpected<'_>, _: &dyn Expected) -> Self {
        Self
    }

    fn invalid_length(_: usize, _: &dyn Expected) -> Self {
        Self
    }

    fn unknown_variant(_: &str, _: &'static [&'static str]) -> Self {
        Self
    }

    fn missing_field(_: &'static str) -> Self {
        Self
    }
}

#[cfg(test)]
mod tests;
