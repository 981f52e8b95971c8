//! Single values by name in an object's SQLite: the app of a Keeper, the scheduler's configuration and tick, the book of
//! incidents.

use serde::Deserialize;
use worker::{SqlStorage, State};

pub(super) struct Settings(SqlStorage);

#[derive(Deserialize)]
struct Row {
    value: String,
}

impl Settings {
    /// Opens the table, making it where it is missing.
    pub(super) fn open(state: &State) -> worker::Result<Self> {
        let sql = state.storage().sql();
        sql.exec(
            "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
            None,
        )?;
        Ok(Self(sql))
    }

    pub(super) fn get(&self, key: &str) -> worker::Result<Option<String>> {
        let query = "SELECT value FROM meta WHERE key = ?";
        let rows: Vec<Row> = self.0.exec(query, vec![key.into()])?.to_array()?;
        Ok(rows.into_iter().next().map(|row| row.value))
    }

    pub(super) fn set(&self, key: &str, value: &str) -> worker::Result<()> {
        let row = vec![key.into(), value.into()];
        self.0.exec("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", row).map(drop)
    }
}
