//! An object's own SQLite. Values and rows pass as JSON: one way to write and to read for everything, and one crossing for a statement.

use crate::{glue, trouble};
use serde::de::DeserializeOwned;
use serde_json::Value;
use worker::{SqlStorage, State};
use zhongkong_core::json;

/// A value of a row, or in place of a `?`.
pub(super) type SqlValue = Value;

pub(super) struct Sql(SqlStorage);

impl Sql {
    /// The database of an object.
    pub(super) fn of(state: &State) -> Self {
        Self(state.storage().sql())
    }

    /// Carries out a statement.
    pub(super) fn run(&self, statement: &str, values: Vec<SqlValue>) -> trouble::Result<()> {
        self.text(statement, values).map(drop)
    }

    /// Reads what a statement has found.
    pub(super) fn rows<T: DeserializeOwned>(
        &self,
        statement: &str,
        values: Vec<SqlValue>,
    ) -> trouble::Result<Vec<T>> {
        Ok(json::read(&self.text(statement, values)?)?)
    }

    fn text(&self, statement: &str, values: Vec<SqlValue>) -> trouble::Result<String> {
        Ok(glue::sql(self.0.as_ref(), statement, &json::text(&Value::Array(values)))?)
    }
}
