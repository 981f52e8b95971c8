//! Workers KV: a read replica, seconds to minutes behind the Keeper.
//!
//! KV cannot compare and write in one step. Newer stays before older because the Keeper alone writes,
//! one write after the other, and looks before it writes; and because readers keep the newer of two.

use super::{READ_TAKES, WORK_TAKES};
use crate::platform::timeout;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use worker::kv::{KvError, KvStore};
use zhongkong_core::credential::Version;
use zhongkong_core::store::{Entry, Saved, Store, StoreFailure};
use zhongkong_core::time::UnixTime;

/// The shortest cache life that KV allows (since 2026-01-30).
const CACHE_TTL_S: u64 = 30;

/// KV refuses a shorter `expirationTtl`. A record carries its own end of life, so one that stays a
/// little too long harms nobody.
const MIN_EXPIRATION_TTL_S: u64 = 60;

/// Keys that one bulk read may ask for.
const BULK_KEYS: usize = 100;

pub(super) struct Kv(pub(super) KvStore);

/// What stands beside a text, in clear.
#[derive(Serialize, Deserialize)]
struct Beside {
    version: Version,
    expires_at: UnixTime,
}

impl Store for Kv {
    async fn find(&self, key: &str) -> Result<Option<String>, StoreFailure> {
        within(READ_TAKES, self.0.get(key).cache_ttl(CACHE_TTL_S).text()).await
    }

    async fn save(&self, key: &str, entry: &Entry, now: UnixTime) -> Result<Saved, StoreFailure> {
        let version = entry.version;
        let there = self.0.get(key).cache_ttl(CACHE_TTL_S);
        let (there, beside) = within(WORK_TAKES, there.text_with_metadata::<serde_json::Value>()).await?;
        // What was put there by somebody else, in another form, is replaced.
        let beside = beside.and_then(|beside| serde_json::from_value::<Beside>(beside).ok());
        if let (Some(there), Some(beside)) = (there, beside)
            && beside.version > version
            && beside.expires_at > now
        {
            return Ok(Saved::Newer(there));
        }
        self.replace(key, entry, now).await?;
        Ok(Saved::Here)
    }

    async fn replace(&self, key: &str, entry: &Entry, now: UnixTime) -> Result<(), StoreFailure> {
        let Entry { version, expires_at, ref text } = *entry;
        let put = self.0.put(key, text).and_then(|put| put.metadata(Beside { version, expires_at }));
        let ttl_s = now.until(expires_at).max(MIN_EXPIRATION_TTL_S);
        within(WORK_TAKES, put.map_err(failure)?.expiration_ttl(ttl_s).execute()).await
    }

    async fn find_many(&self, keys: &[String]) -> Result<Vec<Option<String>>, StoreFailure> {
        let mut found = Vec::with_capacity(keys.len());
        for keys in keys.chunks(BULK_KEYS) {
            let mut texts = within(WORK_TAKES, self.0.get_bulk(keys).text()).await?;
            found.extend(keys.iter().map(|key| texts.remove(key).flatten()));
        }
        Ok(found)
    }
}

/// What KV says, unless it takes too long.
async fn within<T>(
    takes: Duration,
    said: impl Future<Output = Result<T, KvError>>,
) -> Result<T, StoreFailure> {
    match timeout(said, takes).await {
        Some(said) => said.map_err(failure),
        None => Err(StoreFailure("KV took too long".to_owned())),
    }
}

/// KV's own words name operation, key and status.
fn failure(error: KvError) -> StoreFailure {
    StoreFailure(format!("KV: {error:?}"))
}
