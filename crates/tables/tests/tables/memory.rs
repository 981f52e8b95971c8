//! SQLite in memory, as a database for the tables.

use rusqlite::Connection;
use rusqlite::types::{ToSqlOutput, Value as Stored, ValueRef};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json};
use std::rc::Rc;
use zhongkong_tables::{Sql, Value};

#[derive(Clone)]
pub(crate) struct Memory(Rc<Connection>);

impl Memory {
    pub(crate) fn new() -> Self {
        Self(Rc::new(Connection::open_in_memory().unwrap()))
    }

    /// The one number that a query gives.
    pub(crate) fn number(&self, query: &str) -> i64 {
        self.0.query_row(query, [], |row| row.get(0)).unwrap()
    }
}

impl Sql for Memory {
    type Error = String;

    fn rows<R: DeserializeOwned>(&self, statement: &str, values: Vec<Value>) -> Result<Vec<R>, String> {
        let text = |error: rusqlite::Error| error.to_string();
        let mut prepared = self.0.prepare(statement).map_err(text)?;
        let names: Vec<String> = prepared.column_names().into_iter().map(str::to_owned).collect();
        let mut rows = prepared.query(rusqlite::params_from_iter(values.iter().map(stored))).map_err(text)?;
        let mut read = Vec::new();
        while let Some(row) = rows.next().map_err(text)? {
            let columns = names.iter().enumerate().map(|(place, name)| {
                let value = match row.get_ref(place).unwrap() {
                    ValueRef::Null => Json::Null,
                    ValueRef::Integer(number) => number.into(),
                    ValueRef::Text(text) => std::str::from_utf8(text).unwrap().into(),
                    other => panic!("no table holds {other:?}"),
                };
                (name.clone(), value)
            });
            let row = Json::Object(columns.collect::<Map<_, _>>());
            read.push(serde_json::from_value(row).map_err(|error| error.to_string())?);
        }
        Ok(read)
    }

    fn run(&self, statement: &str, values: Vec<Value>) -> Result<(), String> {
        let values = rusqlite::params_from_iter(values.iter().map(stored));
        self.0.execute(statement, values).map(drop).map_err(|error| error.to_string())
    }
}

fn stored(value: &Value) -> ToSqlOutput<'static> {
    ToSqlOutput::Owned(match value {
        Value::Null => Stored::Null,
        Value::Integer(number) => Stored::Integer(*number),
        Value::Text(text) => Stored::Text(text.clone()),
    })
}
