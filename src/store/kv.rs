//! Workers KV: a read replica, seconds to minutes behind the Keeper.
//!
//! KV cannot compare and write in one step. Newer stays before older because the Keeper alone writes,
//! one write after the other, and looks before it writes; and because readers keep the newer of two.

use crate::js;
use js_sys::Map;
use serde::{Deserialize, Serialize};
use serde_json::json;
use wasm_bindgen::{JsCast as _, JsValue};
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

pub(super) struct Kv(pub(super) JsValue);

/// What stands beside a text, in clear.
#[derive(Serialize, Deserialize)]
struct Beside {
    version: Version,
    expires_at: UnixTime,
}

/// A text with what stands beside it.
#[derive(Deserialize)]
struct There {
    value: Option<String>,
    metadata: Option<Beside>,
}

impl Store for Kv {
    async fn find(&self, key: &str) -> Result<Option<String>, StoreFailure> {
        let found = js::wait(&self.0, "get", &[key.into(), cached()]).await;
        found.map(|text| text.as_string()).map_err(failure)
    }

    async fn save(&self, key: &str, entry: &Entry, now: UnixTime) -> Result<Saved, StoreFailure> {
        let Entry { version, expires_at, ref text } = *entry;
        let there = js::wait(&self.0, "getWithMetadata", &[key.into(), cached()]).await.map_err(failure)?;
        // What was put there by somebody else, in another form, is replaced.
        if let Ok(There { value: Some(there), metadata: Some(beside) }) = js::read(&there)
            && beside.version > version
            && beside.expires_at > now
        {
            return Ok(Saved::Newer(there));
        }
        let ttl_s = now.until(expires_at).max(MIN_EXPIRATION_TTL_S);
        let options = js::value(&json!({"expirationTtl": ttl_s, "metadata": Beside { version, expires_at }}));
        let put = js::wait(&self.0, "put", &[key.into(), text.as_str().into(), options]).await;
        put.map(|_| Saved::Here).map_err(failure)
    }

    async fn find_many(&self, keys: &[String]) -> Result<Vec<Option<String>>, StoreFailure> {
        let mut found = Vec::with_capacity(keys.len());
        for keys in keys.chunks(BULK_KEYS) {
            let wanted = js::value(&json!(keys));
            let texts = js::wait(&self.0, "get", &[wanted, js::value(&json!({"type": "text"}))]).await;
            let texts: Map = texts.map_err(failure)?.unchecked_into();
            found.extend(keys.iter().map(|key| texts.get(&key.as_str().into()).as_string()));
        }
        Ok(found)
    }
}

fn cached() -> JsValue {
    js::value(&json!({"type": "text", "cacheTtl": CACHE_TTL_S}))
}

/// KV's own words name operation, key and status.
fn failure(error: JsValue) -> StoreFailure {
    StoreFailure(format!("KV: {}", worker::Error::from(error)))
}
