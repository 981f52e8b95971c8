//! A model of Workers KV with its real weaknesses: readers see writes late, some never, some in
//! another order, and a missing key stays missing for a while. D1 is the same without them.

use crate::Millis;
use std::collections::BTreeMap;
use zhongkong_core::config::StoreKind;
use zhongkong_core::credential::{Credential, Version};
use zhongkong_core::record::Record;

/// Which app's credential.
pub type Key = (usize, Credential);

/// What was written, and when it can be seen at the earliest.
pub struct Store {
    /// Which one it is.
    pub kind: StoreKind,
    writes: BTreeMap<Key, Vec<Write>>,
}

struct Write {
    visible_at: Millis,
    record: Option<Record>,
}

/// Writes to one key that are remembered: more than any lag reaches back.
const REMEMBERED: usize = 12;

impl Store {
    /// An empty one.
    pub const fn new(kind: StoreKind) -> Self {
        Self { kind, writes: BTreeMap::new() }
    }

    /// Takes a write (`None` withdraws), visible from `visible_at` on.
    pub fn write(&mut self, key: Key, record: Option<Record>, visible_at: Millis) {
        let writes = self.writes.entry(key).or_default();
        writes.push(Write { visible_at, record });
        // The order of visibility is the order that counts: a delayed older write overtakes.
        writes.sort_by_key(|write| write.visible_at);
        let surplus = writes.len().saturating_sub(REMEMBERED);
        writes.drain(..surplus);
    }

    /// The version that was written last; `None` for a withdrawal, or for no write at all.
    pub fn newest(&self, key: Key) -> Option<Version> {
        Some(self.writes.get(&key)?.last()?.record.as_ref()?.version)
    }

    /// What somebody sees who is `lag` behind.
    pub fn read(&self, key: Key, now: Millis, lag: Millis) -> Option<&Record> {
        let writes = self.writes.get(&key)?;
        writes.iter().rev().find(|write| write.visible_at + lag <= now)?.record.as_ref()
    }
}
