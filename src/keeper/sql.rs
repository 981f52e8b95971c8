//! An object's own SQLite. Values and rows pass as JSON: one way to write and to read for everything, and one crossing for a statement.

use crate::runtime::State;
use crate::{glue, trouble};
use serde::de::DeserializeOwned;
use worker_sys::SqlStorage;
use zhongkong_core::json::{self, Piece};

pub(super) struct Sql(SqlStorage);

impl Sql {
    /// The database of an object.
    pub(super) fn of(state: &State) -> trouble::Result<Self> {
        state.sqlite().map(Self)
    }

    /// Carries out a statement; `values` is a list of what stands in place of its `?`.
    pub(super) fn run(&self, statement: &str, values: Piece) -> trouble::Result<()> {
        self.text(statement, values).map(drop)
    }

    /// Reads what a statement has found.
    pub(super) fn rows<T: DeserializeOwned>(
        &self,
        statement: &str,
        values: Piece,
    ) -> trouble::Result<Vec<T>> {
        Ok(json::read(&self.text(statement, values)?)?)
    }

    fn text(&self, statement: &str, values: Piece) -> trouble::Result<String> {
        Ok(glue::sql(self.0.as_ref(), statement, &values.into_text())?)
    }
}
