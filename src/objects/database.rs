//! A Durable Object's own SQLite, for the tables of [`zhongkong_tables`].

use serde::de::DeserializeOwned;
use worker::{SqlStorage, SqlStorageValue, State};
use zhongkong_tables::{Sql, Value};

#[derive(Clone)]
pub(super) struct Database(SqlStorage);

impl Database {
    pub(super) fn of(state: &State) -> Self {
        Self(state.storage().sql())
    }
}

impl Sql for Database {
    type Error = worker::Error;

    fn rows<R: DeserializeOwned>(&self, statement: &str, values: Vec<Value>) -> worker::Result<Vec<R>> {
        self.0.exec(statement, parameters(values))?.to_array()
    }

    fn run(&self, statement: &str, values: Vec<Value>) -> worker::Result<()> {
        self.0.exec(statement, parameters(values)).map(drop)
    }
}

fn parameters(values: Vec<Value>) -> Vec<SqlStorageValue> {
    let parameter = |value| match value {
        Value::Null => SqlStorageValue::Null,
        Value::Integer(number) => SqlStorageValue::Integer(number),
        Value::Text(text) => SqlStorageValue::String(text),
    };
    values.into_iter().map(parameter).collect()
}
