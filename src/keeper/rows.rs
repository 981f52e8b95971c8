//! Rows of SQLite, read as JSON: one way to read for everything, and less code than a value of JavaScript taken apart.

use crate::js;
use js_sys::Array;
use serde::de::DeserializeOwned;
use worker::SqlCursor;

/// Reads what a statement has found.
pub(super) trait Rows {
    /// All rows.
    fn rows<T: DeserializeOwned>(self) -> worker::Result<Vec<T>>;
}

impl Rows for SqlCursor {
    fn rows<T: DeserializeOwned>(self) -> worker::Result<Vec<T>> {
        let rows = Array::new();
        for row in self {
            rows.push(&row?);
        }
        js::read(&rows)
    }
}
