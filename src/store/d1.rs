//! D1: one row for each credential, strongly consistent. The table comes from `migrations/`.

use super::{READ_TAKES, WORK_TAKES};
use crate::platform::timeout;
use serde::Deserialize;
use std::time::Duration;
use wasm_bindgen::JsValue;
use worker::D1Database;
use zhongkong_core::store::{Entry, Saved, Store, StoreFailure};
use zhongkong_core::time::UnixTime;

const FIND: &str = "SELECT key, value FROM credentials WHERE key = ?";

/// Parameters that one statement of D1 may have.
const PARAMETERS: usize = 100;

pub(super) struct D1(pub(super) D1Database);

#[derive(Deserialize)]
struct Row {
    key: String,
    value: String,
}

impl Store for D1 {
    async fn find(&self, key: &str) -> Result<Option<String>, StoreFailure> {
        let rows = self.rows(FIND, &[key.into()], READ_TAKES).await?;
        Ok(rows.into_iter().next().map(|row| row.value))
    }

    async fn save(&self, key: &str, entry: &Entry, now: UnixTime) -> Result<Saved, StoreFailure> {
        const SAVE: &str = "INSERT INTO credentials (key, value, version, expires_at) VALUES (?1, ?2, ?3, ?4) \
            ON CONFLICT (key) DO UPDATE SET value = excluded.value, version = excluded.version, \
            expires_at = excluded.expires_at WHERE excluded.version >= version OR expires_at <= ?5 \
            RETURNING key, value";
        let parameters = [columns(key, entry).to_vec(), vec![number(now.as_secs())]].concat();
        if !self.rows(SAVE, &parameters, WORK_TAKES).await?.is_empty() {
            return Ok(Saved::Here);
        }
        let there = self.find(key).await?;
        there.map(Saved::Newer).ok_or_else(|| StoreFailure("D1: a row came and went".to_owned()))
    }

    async fn replace(&self, key: &str, entry: &Entry, _: UnixTime) -> Result<(), StoreFailure> {
        const REPLACE: &str = "INSERT OR REPLACE INTO credentials (key, value, version, expires_at) \
            VALUES (?1, ?2, ?3, ?4)";
        self.rows(REPLACE, &columns(key, entry), WORK_TAKES).await.map(drop)
    }

    async fn find_many(&self, keys: &[String]) -> Result<Vec<Option<String>>, StoreFailure> {
        let mut found = Vec::with_capacity(keys.len());
        for keys in keys.chunks(PARAMETERS) {
            let places = vec!["?"; keys.len()].join(", ");
            let query = format!("SELECT key, value FROM credentials WHERE key IN ({places})");
            let parameters: Vec<JsValue> = keys.iter().map(|key| key.as_str().into()).collect();
            let rows = self.rows(&query, &parameters, WORK_TAKES).await?;
            found.extend(
                keys.iter().map(|key| rows.iter().find(|row| row.key == *key).map(|row| row.value.clone())),
            );
        }
        Ok(found)
    }
}

impl D1 {
    async fn rows(
        &self,
        query: &str,
        parameters: &[JsValue],
        takes: Duration,
    ) -> Result<Vec<Row>, StoreFailure> {
        let statement = self.0.prepare(query).bind(parameters).map_err(|error| failure(&error))?;
        let result = timeout(statement.all(), takes)
            .await
            .ok_or_else(|| StoreFailure("D1: it took too long".to_owned()))?
            .map_err(|error| failure(&error))?;
        // A text of serde's may quote a row.
        result.results().map_err(|_| StoreFailure("D1: it answered something else".to_owned()))
    }
}

fn columns(key: &str, entry: &Entry) -> [JsValue; 4] {
    let Entry { version, expires_at, text } = entry;
    [key.into(), text.as_str().into(), number(version.number()), number(expires_at.as_secs())]
}

/// Versions and times are far below 2^53.
#[expect(clippy::cast_precision_loss, reason = "they are exact")]
fn number(number: u64) -> JsValue {
    JsValue::from_f64(number as f64)
}

/// D1's own words name the table or the column, never a parameter.
fn failure(error: &worker::Error) -> StoreFailure {
    let text = error.to_string();
    if text.contains("no such table") {
        return StoreFailure(
            "the table credentials is missing: run `wrangler d1 migrations apply DB --remote`".to_owned(),
        );
    }
    StoreFailure(format!("D1: {text}"))
}
