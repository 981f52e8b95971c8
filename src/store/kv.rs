//! Workers KV: a read replica, seconds to minutes behind the Keeper.
//!
//! KV cannot compare and write in one step. Newer stays before older because the Keeper alone writes,
//! one write after the other, and looks before it writes; and because readers keep the newer of two.

use super::{READ_TAKES, WORK_TAKES};
use crate::glue;
use js_sys::Promise;
use serde::{Deserialize, Serialize};
use wasm_bindgen::JsValue;
use zhongkong_core::credential::Version;
use zhongkong_core::json::{self, object};
use zhongkong_core::store::{Entry, Saved, Store, StoreFailure};
use zhongkong_core::time::UnixTime;

/// The shortest cache life that KV allows (since 2026-01-30).
const CACHE_TTL_S: u32 = 30;

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
        let found = said(glue::kv_get(&self.0, key, CACHE_TTL_S, glue::millis(READ_TAKES))).await?;
        Ok(found.as_string())
    }

    async fn save(&self, key: &str, entry: &Entry, now: UnixTime) -> Result<Saved, StoreFailure> {
        let Entry { version, expires_at, ref text } = *entry;
        let there = said(glue::kv_get_whole(&self.0, key, CACHE_TTL_S, glue::millis(WORK_TAKES))).await?;
        // What was put there by somebody else, in another form, is replaced.
        if let Ok(There { value: Some(there), metadata: Some(beside) }) =
            json::read(&there.as_string().unwrap_or_default())
            && beside.version > version
            && beside.expires_at > now
        {
            return Ok(Saved::Newer(there));
        }
        let ttl_s = now.until(expires_at).max(MIN_EXPIRATION_TTL_S);
        let options =
            object(&[("expirationTtl", &ttl_s), ("metadata", &Beside { version, expires_at })]).into_text();
        said(glue::kv_put(&self.0, key, text, &options, glue::millis(WORK_TAKES))).await?;
        Ok(Saved::Here)
    }

    async fn find_many(&self, keys: &[String]) -> Result<Vec<Option<String>>, StoreFailure> {
        let mut found = Vec::with_capacity(keys.len());
        for keys in keys.chunks(BULK_KEYS) {
            let wanted = json::write(&keys).unwrap_or_default();
            let texts = said(glue::kv_get_many(&self.0, &wanted, glue::millis(WORK_TAKES))).await?;
            let texts: Vec<Option<String>> = json::read(&texts.as_string().unwrap_or_default())
                .map_err(|_| StoreFailure("KV answered something else".to_owned()))?;
            found.extend(texts);
        }
        Ok(found)
    }
}

/// KV's own words name operation, key and status.
async fn said(promise: Promise) -> Result<JsValue, StoreFailure> {
    match glue::promised(promise).await {
        Ok(Some(said)) => Ok(said),
        Ok(None) => Err(StoreFailure("KV took too long".to_owned())),
        Err(error) => Err(StoreFailure(format!("KV: {}", glue::message(&error)))),
    }
}
