//! A model of an isolate that reads: its shelves, its view of the store, its clock.

use crate::Millis;
use crate::store::{Key, Store};
use simulator::random::Random;
use std::collections::BTreeMap;
use zhongkong_core::cache::CacheEntry;
use zhongkong_core::config::StoreKind;
use zhongkong_core::credential::Version;
use zhongkong_core::record::Record;

/// One isolate.
pub struct Reader {
    /// Its clock, against the true one, in milliseconds.
    pub skew_ms: i64,
    /// The pause between two of its reads, on average.
    pub pause_ms: Millis,
    /// What it believes is reported by it when it is dead.
    pub is_honest: bool,
    lag_ms: Millis,
    entries: BTreeMap<Key, CacheEntry>,
    cached: BTreeMap<Key, (Millis, Option<Record>)>,
    newest: BTreeMap<Key, Version>,
}

/// Workers KV caches an answer for so long where it was given, a missing key too.
const CACHE_MS: Millis = 30_000;

impl Reader {
    /// Any isolate.
    pub fn any(random: &mut Random) -> Self {
        Self { pause_ms: Self::any_pause(random), ..Self::with_pause(random, 0) }
    }

    fn any_pause(random: &mut Random) -> Millis {
        [10_000, 60_000, 300_000, 900_000][usize::try_from(random.below(4)).unwrap_or(0)]
    }

    /// Any isolate that reads at this pace.
    pub fn with_pause(random: &mut Random, pause_ms: Millis) -> Self {
        let skew = i64::try_from(random.below(3000)).unwrap_or(0) - 1500;
        Self {
            skew_ms: skew,
            pause_ms,
            is_honest: random.happens(0.8),
            lag_ms: random.below(60_000),
            entries: BTreeMap::new(),
            cached: BTreeMap::new(),
            newest: BTreeMap::new(),
        }
    }

    /// What its clock shows.
    pub fn clock(&self, now: Millis) -> Millis {
        now.saturating_add_signed(self.skew_ms)
    }

    /// The copy of a credential.
    pub fn entry(&mut self, key: Key) -> &mut CacheEntry {
        self.entries.entry(key).or_default()
    }

    /// What the store shows here: KV behind and cached, D1 as it is, memory nothing.
    pub fn find(&mut self, store: &Store, key: Key, now: Millis) -> Option<Record> {
        match store.kind {
            StoreKind::Memory => return None,
            StoreKind::D1 => return store.read(key, now, 0).cloned(),
            StoreKind::Kv => {}
        }
        if let Some((until, cached)) = self.cached.get(&key)
            && now < *until
        {
            return cached.clone();
        }
        let found = store.read(key, now, self.lag_ms).cloned();
        self.cached.insert(key, (now + CACHE_MS, found.clone()));
        found
    }

    /// Notes a version that was handed out here; false when an older one follows a newer one.
    pub fn goes_on(&mut self, key: Key, version: Version) -> bool {
        let newest = self.newest.entry(key).or_default();
        let goes_on = version >= *newest;
        *newest = version.max(*newest);
        goes_on
    }
}
