//! Counts and lives in the Keeper's SQLite: what metrics and plots show. Totals are kept for ever, hours and lives for a few
//! days. They need no sound configuration.

use crate::platform;
use serde::Deserialize;
use std::cell::RefCell;
use std::collections::BTreeMap;
use worker::{SqlStorage, SqlStorageValue, State};
use zhongkong_core::credential::Credential;
use zhongkong_core::engine::Status;
use zhongkong_core::protocol::{HourCount, Life, Trends};
use zhongkong_core::tally::{Count, Reads};
use zhongkong_core::time::UnixTime;

const HOUR_S: u64 = 3600;
const KEPT_S: u64 = 8 * 24 * HOUR_S;

/// The row of a total stands under this hour.
const ALWAYS: u64 = 0;

/// The end of a life is written again when it has moved by so much.
const MOVED_S: u64 = 30;

/// A row of one number.
#[derive(Deserialize)]
pub(super) struct Number {
    pub(super) n: u64,
}

pub(super) struct Counts {
    sql: SqlStorage,
    /// Version and end of each life, as they were noted last: most changes of a slot do not change them.
    noted: RefCell<BTreeMap<Credential, (u64, UnixTime)>>,
}

impl Counts {
    /// Opens the tables, making them where they are missing.
    pub(super) fn open(state: &State) -> worker::Result<Self> {
        let sql = state.storage().sql();
        for table in [
            "CREATE TABLE IF NOT EXISTS counts (hour INTEGER NOT NULL, what TEXT NOT NULL, credential TEXT NOT NULL, \
             outcome TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (hour, what, credential, outcome)) WITHOUT ROWID",
            "CREATE TABLE IF NOT EXISTS lives (credential TEXT NOT NULL, version INTEGER NOT NULL, at INTEGER NOT NULL, \
             expires_at INTEGER NOT NULL, PRIMARY KEY (credential, version)) WITHOUT ROWID",
        ] {
            sql.exec(table, None)?;
        }
        Ok(Self { sql, noted: RefCell::default() })
    }

    /// Adds to the total and to its hour.
    pub(super) fn add(&self, count: &Count, at: UnixTime) -> worker::Result<()> {
        let hour = at.as_secs() / HOUR_S;
        self.add_to(ALWAYS, count)?;
        if self.add_to(hour, count)? {
            let oldest = integer(hour.saturating_sub(KEPT_S / HOUR_S));
            self.sql.exec("DELETE FROM counts WHERE hour > 0 AND hour < ?", vec![oldest])?;
        }
        Ok(())
    }

    /// Adds reads. They are many, and nobody plots them: totals only.
    pub(super) fn add_reads(&self, reads: Reads) -> worker::Result<()> {
        reads.counts().try_for_each(|count| self.add_to(ALWAYS, &count).map(drop))
    }

    /// Says whether it was the first of its kind in that hour.
    fn add_to(&self, hour: u64, count: &Count) -> worker::Result<bool> {
        let row = vec![
            integer(hour),
            count.what.as_str().into(),
            count.credential.as_str().into(),
            count.outcome.as_str().into(),
            integer(count.count),
        ];
        let sum: Vec<Number> = self
            .sql
            .exec(
                "INSERT INTO counts (hour, what, credential, outcome, count) VALUES (?, ?, ?, ?, ?) \
                 ON CONFLICT DO UPDATE SET count = count + excluded.count RETURNING count AS n",
                row,
            )?
            .to_array()?;
        Ok(sum.iter().all(|row| row.n == count.count))
    }

    /// Notes the life of the value that is held.
    pub(super) fn note_life(&self, credential: Credential, status: &Status) -> worker::Result<()> {
        let (Some(at), Some(expires_at)) = (status.rotated_at, status.expires_at) else { return Ok(()) };
        let before = self.noted.borrow_mut().insert(credential, (status.version, expires_at));
        let is_new = before.is_none_or(|(version, _)| version != status.version);
        if !is_new && before.is_some_and(|(_, end)| end.until(expires_at) + expires_at.until(end) < MOVED_S) {
            self.noted.borrow_mut().extend(before.map(|before| (credential, before)));
            return Ok(());
        }
        self.sql.exec(
            "INSERT INTO lives (credential, version, at, expires_at) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT DO UPDATE SET expires_at = excluded.expires_at",
            vec![
                credential.name().into(),
                integer(status.version),
                integer(at.as_secs()),
                integer(expires_at.as_secs()),
            ],
        )?;
        if !is_new {
            return Ok(());
        }
        let oldest = integer(at.minus(KEPT_S).as_secs());
        self.sql.exec("DELETE FROM lives WHERE expires_at < ?", vec![oldest]).map(drop)
    }

    /// Everything since the beginning.
    pub(super) fn totals(&self) -> worker::Result<Vec<Count>> {
        let query = "SELECT what, credential, outcome, count FROM counts WHERE hour = 0";
        self.sql.exec(query, None)?.to_array()
    }

    /// The last days.
    pub(super) fn trends(&self) -> worker::Result<Trends> {
        let from = platform::now().minus(KEPT_S).as_secs();
        let hours: Vec<HourCount> = self
            .sql
            .exec(
                "SELECT hour * 3600 AS at, what, credential, outcome, count FROM counts \
                 WHERE hour >= ? ORDER BY hour",
                vec![integer((from / HOUR_S).max(1))],
            )?
            .to_array()?;
        let rotations: Vec<Life> = self
            .sql
            .exec(
                "SELECT credential, version, at, expires_at FROM lives WHERE expires_at >= ? ORDER BY at",
                vec![integer(from)],
            )?
            .to_array()?;
        Ok(Trends { rotations, hours })
    }
}

/// What SQLite and JavaScript both hold exactly.
pub(super) fn clamped(number: u64) -> i64 {
    const MOST: i64 = (1 << 53) - 1;
    i64::try_from(number).map_or(MOST, |number| number.min(MOST))
}

/// The same as a parameter.
pub(super) fn integer(number: u64) -> SqlStorageValue {
    clamped(number).into()
}
