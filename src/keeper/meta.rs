//! Single values by name in an object's SQLite: the app of a Keeper, the roster's configuration and tick, the book of incidents.

use super::sql::Sql;
use crate::runtime::State;
use crate::trouble;
use serde::Deserialize;
use zhongkong_core::json::row;

pub(super) struct Meta(Sql);

#[derive(Deserialize)]
struct Row {
    value: String,
}

impl Meta {
    /// Opens the table, making it where it is missing.
    pub(super) fn open(state: &State) -> trouble::Result<Self> {
        let sql = Sql::of(state)?;
        sql.run(
            "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
            row(&[]),
        )?;
        Ok(Self(sql))
    }

    pub(super) fn get(&self, key: &str) -> trouble::Result<Option<String>> {
        let query = "SELECT value FROM meta WHERE key = ?";
        let rows: Vec<Row> = self.0.rows(query, row(&[&key]))?;
        Ok(rows.into_iter().next().map(|row| row.value))
    }

    pub(super) fn set(&self, key: &str, value: &str) -> trouble::Result<()> {
        let row = row(&[&key, &value]);
        self.0.run("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", row)
    }
}
