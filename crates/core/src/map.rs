//! Maps of a few entries: sorted lists. Each kind of standard map would be 6 kB of wasm, and each kind of sorting 3 kB.
//!
//! `#[serde(with = "map")]` makes an object of one; its own way with serde writes an empty one as a list.

use core::fmt;
use core::marker::PhantomData;
use litemap::LiteMap;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};

/// A map of these entries; of those with one key the last. Meant for entries that are sorted already, or few.
pub fn of<K: Ord, V>(entries: impl IntoIterator<Item = (K, V)>) -> LiteMap<K, V> {
    let mut map = LiteMap::new();
    for (key, value) in entries {
        map.insert(key, value);
    }
    map
}

/// Writes the map.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<K, V, S>(map: &LiteMap<K, V>, to: S) -> Result<S::Ok, S::Error>
where
    K: Serialize,
    V: Serialize,
    S: Serializer,
{
    to.collect_map(map.iter())
}

/// Reads the map.
///
/// # Errors
/// Those of the deserializer.
pub fn deserialize<'de, K, V, D>(from: D) -> Result<LiteMap<K, V>, D::Error>
where
    K: Deserialize<'de> + Ord,
    V: Deserialize<'de>,
    D: Deserializer<'de>,
{
    from.deserialize_map(Members(PhantomData))
}

struct Members<K, V>(PhantomData<(K, V)>);

impl<'de, K, V> Visitor<'de> for Members<K, V>
where
    K: Deserialize<'de> + Ord,
    V: Deserialize<'de>,
{
    type Value = LiteMap<K, V>;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<LiteMap<K, V>, A::Error> {
        let mut map = LiteMap::new();
        while let Some((key, value)) = members.next_entry()? {
            map.insert(key, value);
        }
        Ok(map)
    }
}
