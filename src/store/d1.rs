//! D1: one row for each credential, strongly consistent. The table comes from `migrations/`.

use super::{READ_TAKES, WORK_TAKES};
use crate::glue;
use serde::Deserialize;
use std::time::Duration;
use wasm_bindgen::JsValue;
use zhongkong_core::json::{self, Piece, row};
use zhongkong_core::store::{Entry, Saved, Store, StoreFailure};
use zhongkong_core::time::UnixTime;

const FIND: &str = "SELECT key, value FROM credentials WHERE key = ?";

/// Parameters that one statement of D1 may have.
const PARAMETERS: usize = 100;

pub(super) struct D1(pub(super) JsValue);

#[derive(Deserialize)]
struct Row {
    key: String,
    value: String,
}

impl Store for D1 {
    async fn find(&self, key: &str) -> Result<Option<String>, StoreFailure> {
        let rows = self.rows(FIND, row(&[&key]), READ_TAKES).await?;
        Ok(rows.into_iter().next().map(|row| row.value))
    }

    async fn save(&self, key: &str, entry: &Entry, now: UnixTime) -> Result<Saved, StoreFailure> {
        const SAVE: &str = "INSERT INTO credentials (key, value, version, expires_at) VALUES (?1, ?2, ?3, ?4) \
            ON CONFLICT (key) DO UPDATE SET value = excluded.value, version = excluded.version, \
            expires_at = excluded.expires_at WHERE excluded.version >= version OR expires_at <= ?5 \
            RETURNING key, value";
        let parameters =
            row(&[&key, &entry.text, &entry.version.number(), &entry.expires_at.as_secs(), &now.as_secs()]);
        if !self.rows(SAVE, parameters, WORK_TAKES).await?.is_empty() {
            return Ok(Saved::Here);
        }
        let there = self.find(key).await?;
        there.map(Saved::Newer).ok_or_else(|| StoreFailure("D1: a row came and went".to_owned()))
    }

    async fn find_many(&self, keys: &[String]) -> Result<Vec<Option<String>>, StoreFailure> {
        let mut found = Vec::with_capacity(keys.len());
        for keys in keys.chunks(PARAMETERS) {
            let places = vec!["?"; keys.len()].join(", ");
            let query = format!("SELECT key, value FROM credentials WHERE key IN ({places})");
            let rows = self.rows(&query, Piece::of(&keys), WORK_TAKES).await?;
            found.extend(
                keys.iter().map(|key| rows.iter().find(|row| row.key == *key).map(|row| row.value.clone())),
            );
        }
        Ok(found)
    }
}

impl D1 {
    async fn rows(&self, query: &str, parameters: Piece, takes: Duration) -> Result<Vec<Row>, StoreFailure> {
        let parameters = parameters.into_text();
        let rows = glue::promised(glue::d1(&self.0, query, &parameters, glue::millis(takes))).await;
        let rows = rows.map_err(|error| failure(&glue::message(&error)))?;
        let rows = rows.ok_or_else(|| failure("it took too long"))?;
        json::read(&rows.as_string().unwrap_or_default()).map_err(|_| failure("it answered something else"))
    }
}

/// D1's own words name the table or the column, never a parameter.
fn failure(text: &str) -> StoreFailure {
    if text.contains("no such table") {
        return StoreFailure(
            "the table credentials is missing: run `wrangler d1 migrations apply DB --remote`".to_owned(),
        );
    }
    StoreFailure(format!("D1: {text}"))
}
