//! Single values by name: the app of a Keeper, the scheduler's configuration and tick, the book of incidents.

use crate::sql::{Sql, unreadable};
use serde::Deserialize;
use zhongkong_core::alert::Book;
use zhongkong_core::encoding::{from_json, to_json};

const BOOK: &str = "alerts";

/// Values by name.
#[derive(Clone, Debug)]
pub struct Settings<S>(S);

#[derive(Deserialize)]
struct Row {
    value: String,
}

impl<S: Sql> Settings<S> {
    /// Opens the table, making it where it is missing.
    ///
    /// # Errors
    /// When the database fails, as everywhere here.
    pub fn open(sql: S) -> Result<Self, S::Error> {
        sql.run(
            "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
            vec![],
        )?;
        Ok(Self(sql))
    }

    /// The value of this name.
    ///
    /// # Errors
    /// When the database fails.
    pub fn get(&self, key: &str) -> Result<Option<String>, S::Error> {
        let rows: Vec<Row> = self.0.rows("SELECT value FROM meta WHERE key = ?", vec![key.into()])?;
        Ok(rows.into_iter().next().map(|row| row.value))
    }

    /// Puts a value under this name.
    ///
    /// # Errors
    /// When the database fails.
    pub fn set(&self, key: &str, value: &str) -> Result<(), S::Error> {
        self.0.run("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", vec![key.into(), value.into()])
    }

    /// The book of incidents. One that cannot be read any more begins anew: what goes on is found again.
    ///
    /// # Errors
    /// When the database fails.
    pub fn book(&self) -> Result<Book, S::Error> {
        Ok(self.get(BOOK)?.and_then(|text| from_json(&text).ok()).unwrap_or_default())
    }

    /// Commits the book of incidents.
    ///
    /// # Errors
    /// When the database fails.
    pub fn set_book(&self, book: &Book) -> Result<(), S::Error> {
        self.set(BOOK, &to_json(book).map_err(unreadable)?)
    }
}
