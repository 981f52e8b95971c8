//! Workers KV: a read replica, seconds to minutes behind the Keeper.

use super::{Found, NotSaved};
use worker::kv::KvStore;

/// The shortest cache life that KV allows (since 2026-01-30).
const CACHE_TTL_S: u64 = 30;

/// KV refuses a shorter `expirationTtl`. A record carries its own end of life, so one that stays a
/// little too long harms nobody.
const MIN_EXPIRATION_TTL_S: u64 = 60;

/// Keys that one bulk read may ask for.
const BULK_KEYS: usize = 100;

pub(super) async fn get(store: &KvStore, key: &str) -> Found<String> {
    match store.get(key).cache_ttl(CACHE_TTL_S).text().await {
        Ok(Some(text)) => Found::Here(text),
        Ok(None) => Found::Nothing,
        Err(_) => Found::Failed,
    }
}

pub(super) async fn get_many(store: &KvStore, keys: &[String]) -> Vec<Found<String>> {
    let mut found = Vec::with_capacity(keys.len());
    for keys in keys.chunks(BULK_KEYS) {
        match store.get_bulk(keys).text().await {
            Ok(mut texts) => found.extend(
                keys.iter().map(|key| texts.remove(key).flatten().map_or(Found::Nothing, Found::Here)),
            ),
            Err(_) => found.extend(keys.iter().map(|_| Found::Failed)),
        }
    }
    found
}

pub(super) async fn put(store: &KvStore, key: &str, text: &str, life_s: u64) -> Result<(), NotSaved> {
    let put = store.put(key, text).map_err(|_| NotSaved)?;
    put.expiration_ttl(life_s.max(MIN_EXPIRATION_TTL_S)).execute().await.map_err(|_| NotSaved)
}

pub(super) async fn delete(store: &KvStore, key: &str) -> Result<(), NotSaved> {
    store.delete(key).await.map_err(|_| NotSaved)
}
