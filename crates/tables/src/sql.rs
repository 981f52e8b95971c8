//! A database, as these tables use one.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use zhongkong_core::encoding::Unreadable;
use zhongkong_core::time::UnixTime;

/// A SQLite database. Every statement is its own transaction, or part of the one that the caller is in.
pub trait Sql: Clone {
    /// Why a statement failed.
    type Error: From<String>;

    /// Runs a statement; its rows are read by the names of their columns.
    ///
    /// # Errors
    /// When the statement fails, or a row has another form than `R`.
    fn rows<R: DeserializeOwned>(&self, statement: &str, values: Vec<Value>) -> Result<Vec<R>, Self::Error>;

    /// Runs a statement that has no rows.
    ///
    /// # Errors
    /// When it fails.
    fn run(&self, statement: &str, values: Vec<Value>) -> Result<(), Self::Error>;
}

/// A value of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `NULL`.
    Null,
    /// `INTEGER`: within what JavaScript's numbers hold exactly.
    Integer(i64),
    /// `TEXT`.
    Text(String),
}

/// What SQLite and JavaScript both hold exactly; a number beyond it becomes the greatest or least of them.
const MOST: i64 = (1 << 53) - 1;

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Integer(i64::try_from(number).map_or(MOST, |number| number.min(MOST)))
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number.clamp(-MOST, MOST))
    }
}

impl From<UnixTime> for Value {
    /// Seconds since the epoch.
    fn from(time: UnixTime) -> Self {
        time.as_secs().into()
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A row of one number.
#[derive(Deserialize)]
pub(crate) struct Number {
    pub(crate) n: u64,
}

/// JSON of another form, as an error of the database's.
pub(crate) fn unreadable<E: From<String>>(unreadable: Unreadable) -> E {
    unreadable.to_string().into()
}
