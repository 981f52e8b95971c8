//! Counts, and the lives of values: what metrics and plots show. Totals are kept for ever, hours and lives for a few
//! days. They need no sound configuration.

use crate::sql::{Number, Sql};
use std::cell::RefCell;
use std::collections::BTreeMap;
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

/// How often things have happened to an app, and how long its values have lived.
#[derive(Debug)]
pub struct Counts<S> {
    sql: S,
    /// Version and end of each life, as they were noted last: most changes of a slot do not change them.
    noted: RefCell<BTreeMap<Credential, (u64, UnixTime)>>,
}

impl<S: Sql> Counts<S> {
    /// Opens the tables, making them where they are missing.
    pub(crate) fn open(sql: S) -> Result<Self, S::Error> {
        for table in [
            "CREATE TABLE IF NOT EXISTS counts (hour INTEGER NOT NULL, what TEXT NOT NULL, credential TEXT NOT NULL, \
             outcome TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (hour, what, credential, outcome)) WITHOUT ROWID",
            "CREATE TABLE IF NOT EXISTS lives (credential TEXT NOT NULL, version INTEGER NOT NULL, at INTEGER NOT NULL, \
             expires_at INTEGER NOT NULL, PRIMARY KEY (credential, version)) WITHOUT ROWID",
        ] {
            sql.run(table, vec![])?;
        }
        Ok(Self { sql, noted: RefCell::default() })
    }

    /// Adds to the total and to its hour.
    pub(crate) fn add(&self, count: &Count, at: UnixTime) -> Result<(), S::Error> {
        let hour = at.as_secs() / HOUR_S;
        self.add_to(ALWAYS, count)?;
        if self.add_to(hour, count)? {
            let oldest = hour.saturating_sub(KEPT_S / HOUR_S).into();
            self.sql.run("DELETE FROM counts WHERE hour > 0 AND hour < ?", vec![oldest])?;
        }
        Ok(())
    }

    /// Adds reads. They are many, and nobody plots them: totals only.
    pub(crate) fn add_reads(&self, reads: Reads) -> Result<(), S::Error> {
        reads.counts().try_for_each(|count| self.add_to(ALWAYS, &count).map(drop))
    }

    /// Says whether it was the first of its kind in that hour.
    fn add_to(&self, hour: u64, count: &Count) -> Result<bool, S::Error> {
        let row = vec![
            hour.into(),
            count.what.as_str().into(),
            count.credential.as_str().into(),
            count.outcome.as_str().into(),
            count.count.into(),
        ];
        let sum: Vec<Number> = self.sql.rows(
            "INSERT INTO counts (hour, what, credential, outcome, count) VALUES (?, ?, ?, ?, ?) \
                 ON CONFLICT DO UPDATE SET count = count + excluded.count RETURNING count AS n",
            row,
        )?;
        Ok(sum.iter().all(|row| row.n == count.count))
    }

    /// Notes the life of the value that is held.
    ///
    /// # Errors
    /// When the database fails.
    pub fn note_life(&self, credential: Credential, status: &Status) -> Result<(), S::Error> {
        let (Some(at), Some(expires_at)) = (status.rotated_at, status.expires_at) else { return Ok(()) };
        let before = self.noted.borrow_mut().insert(credential, (status.version, expires_at));
        let is_new = before.is_none_or(|(version, _)| version != status.version);
        if !is_new && before.is_some_and(|(_, end)| end.until(expires_at) + expires_at.until(end) < MOVED_S) {
            self.noted.borrow_mut().extend(before.map(|before| (credential, before)));
            return Ok(());
        }
        self.sql.run(
            "INSERT INTO lives (credential, version, at, expires_at) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT DO UPDATE SET expires_at = excluded.expires_at",
            vec![
                credential.name().into(),
                status.version.into(),
                at.as_secs().into(),
                expires_at.as_secs().into(),
            ],
        )?;
        if !is_new {
            return Ok(());
        }
        let oldest = at.minus(KEPT_S).as_secs().into();
        self.sql.run("DELETE FROM lives WHERE expires_at < ?", vec![oldest])
    }

    /// Everything since the beginning.
    ///
    /// # Errors
    /// When the database fails.
    pub fn totals(&self) -> Result<Vec<Count>, S::Error> {
        let query = "SELECT what, credential, outcome, count FROM counts WHERE hour = 0";
        self.sql.rows(query, vec![])
    }

    /// The last days.
    pub(crate) fn trends(&self, now: UnixTime) -> Result<Trends, S::Error> {
        let from = now.minus(KEPT_S).as_secs();
        let hours: Vec<HourCount> = self.sql.rows(
            "SELECT hour * 3600 AS at, what, credential, outcome, count FROM counts \
                 WHERE hour >= ? ORDER BY hour",
            vec![(from / HOUR_S).max(1).into()],
        )?;
        let rotations: Vec<Life> = self.sql.rows(
            "SELECT credential, version, at, expires_at FROM lives WHERE expires_at >= ? ORDER BY at",
            vec![from.into()],
        )?;
        Ok(Trends { rotations, hours })
    }
}
