//! The history of an app. It needs no sound configuration: that of an app which is faulty is of all the most
//! interesting.

use crate::counts::Counts;
use crate::sql::{Number, Sql, Value, unreadable};
use zhongkong_core::credential::{Credential, Version};
use zhongkong_core::encoding::to_json;
use zhongkong_core::history::{Action, KEPT_DAYS, Kind, Line};
use zhongkong_core::protocol::{Entry, Filter, HistoryAsk};
use zhongkong_core::tally::Count;
use zhongkong_core::time::UnixTime;

/// Lines of this minute are looked for among so many of the newest.
const LOOK_BACK: i64 = 512;

/// After so many new lines those that are too many are deleted.
const SWEEP_EVERY: u64 = 500;

/// A Keeper's history, with its counts.
#[derive(Debug)]
pub struct History<S> {
    sql: S,
    counts: Counts<S>,
}

impl<S: Sql> History<S> {
    /// Opens the tables, making them where they are missing.
    ///
    /// # Errors
    /// When the database fails, as everywhere here.
    pub fn open(sql: S) -> Result<Self, S::Error> {
        sql.run(
            "CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY AUTOINCREMENT, minute INTEGER NOT NULL, \
             kind TEXT NOT NULL, caller TEXT, action TEXT NOT NULL, credential TEXT, result TEXT NOT NULL, \
             version INTEGER, errcode INTEGER, about TEXT, ip TEXT, first_at INTEGER NOT NULL, \
             last_at INTEGER NOT NULL, count INTEGER NOT NULL)",
            vec![],
        )?;
        Ok(Self { counts: Counts::open(sql.clone())?, sql })
    }

    /// What is counted beside it.
    pub const fn counts(&self) -> &Counts<S> {
        &self.counts
    }

    /// Answers a question about it, as JSON. What could not be written is given to `not_written`: a line that is not
    /// taken would not be taken the next time either.
    ///
    /// # Errors
    /// When the database fails.
    pub fn answer(
        &self,
        ask: HistoryAsk,
        now: UnixTime,
        not_written: impl FnMut(S::Error),
    ) -> Result<String, S::Error> {
        let answer = match ask {
            HistoryAsk::Note { lines, reads } => {
                lines.iter().filter_map(|line| self.add(line, now).err()).for_each(not_written);
                self.counts.add_reads(reads)?;
                to_json(&Vec::<Entry>::new())
            }
            HistoryAsk::Page(filter) => to_json(&self.page(&filter, now)?),
            HistoryAsk::Trends => to_json(&self.counts.trends(now)?),
        };
        answer.map_err(unreadable)
    }

    /// Adds a line to the one of its like in the same minute, else after all others. In a minute that
    /// is told in detail already, it is told in short.
    ///
    /// # Errors
    /// When the database fails.
    pub fn add(&self, line: &Line, now: UnixTime) -> Result<(), S::Error> {
        if let Some(count) = Count::of(line) {
            self.counts.add(&count, line.first_at)?;
        }
        if self.merge(line)? {
            return Ok(());
        }
        if !self.is_crowded(line)? {
            return self.append(line, now);
        }
        let short = line.in_short();
        if self.merge(&short)? { Ok(()) } else { self.append(&short, now) }
    }

    fn merge(&self, line: &Line) -> Result<bool, S::Error> {
        let more = vec![line.count.into(), line.last_at.as_secs().into(), LOOK_BACK.into()];
        let merged: Vec<Number> = self.sql.rows(
            "UPDATE events SET count = count + ?11, last_at = max(last_at, ?12) \
                 WHERE id > (SELECT coalesce(max(id), 0) FROM events) - ?13 AND minute = ?1 AND kind = ?2 \
                 AND caller IS ?3 AND action = ?4 AND credential IS ?5 AND result = ?6 AND version IS ?7 \
                 AND errcode IS ?8 AND about IS ?9 AND ip IS ?10 RETURNING id AS n",
            [likeness(line), more].concat(),
        )?;
        Ok(!merged.is_empty())
    }

    fn is_crowded(&self, line: &Line) -> Result<bool, S::Error> {
        let like = vec![
            line.minute().into(),
            line.kind.name().into(),
            line.caller.as_deref().into(),
            LOOK_BACK.into(),
        ];
        let counted: Vec<Number> = self.sql.rows(
            "SELECT count(*) AS n FROM events WHERE id > (SELECT coalesce(max(id), 0) FROM events) - ?4 \
                 AND minute = ?1 AND kind = ?2 AND caller IS ?3",
            like,
        )?;
        Ok(counted.iter().any(|row| row.n >= u64::from(line.kind.most_in_a_minute())))
    }

    fn append(&self, line: &Line, now: UnixTime) -> Result<(), S::Error> {
        let more = vec![line.count.into(), line.last_at.as_secs().into(), line.first_at.as_secs().into()];
        let new: Vec<Number> = self.sql.rows(
                "INSERT INTO events (minute, kind, caller, action, credential, result, version, errcode, about, ip, \
                 count, last_at, first_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) \
                 RETURNING id AS n",
                [likeness(line), more].concat(),
            )?;
        if new.iter().any(|row| row.n % SWEEP_EVERY == 0) {
            for kind in Kind::ALL {
                self.sql.run(
                    "DELETE FROM events WHERE kind = ?1 AND id <= \
                     (SELECT id FROM events WHERE kind = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
                    vec![kind.name().into(), u64::from(kind.most_kept()).into()],
                )?;
            }
        }
        self.forget_old(now).map(drop)
    }

    /// Deletes what is too old; says whether anything is left. Costs one row where nothing is too old.
    ///
    /// # Errors
    /// When the database fails.
    pub fn forget_old(&self, now: UnixTime) -> Result<bool, S::Error> {
        let kept_from = kept_from(now);
        let oldest = "SELECT minute AS n FROM events ORDER BY id LIMIT 1";
        let before: Vec<Number> = self.sql.rows(oldest, vec![])?;
        if before.iter().all(|row| row.n >= kept_from) {
            return Ok(!before.is_empty());
        }
        self.sql.run("DELETE FROM events WHERE minute < ?", vec![kept_from.into()])?;
        Ok(!self.sql.rows::<Number>(oldest, vec![])?.is_empty())
    }

    /// A part of it, newest first. What is too old and not yet deleted is not shown.
    fn page(&self, filter: &Filter, now: UnixTime) -> Result<Vec<Entry>, S::Error> {
        self.sql.rows(
                "SELECT id, kind, caller, action, credential, result, version, errcode, about, ip, first_at, last_at, \
                 count FROM events WHERE minute >= ?1 AND id < ?2 AND (?3 IS NULL OR kind = ?3) \
                 AND (?4 IS NULL OR action = ?4) AND (?5 IS NULL OR caller = ?5) ORDER BY id DESC LIMIT ?6",
                vec![
                    kept_from(now).into(),
                    filter.before.unwrap_or(u64::MAX).into(),
                    filter.kind.map(Kind::name).into(),
                    filter.action.map(Action::name).into(),
                    filter.caller.as_deref().into(),
                    u64::from(filter.limit).into(),
                ],
            )
    }
}

/// What makes two lines one.
fn likeness(line: &Line) -> Vec<Value> {
    vec![
        line.minute().into(),
        line.kind.name().into(),
        line.caller.as_deref().into(),
        line.action.name().into(),
        line.credential.map(Credential::name).into(),
        line.result.as_str().into(),
        line.version.map(Version::number).into(),
        line.errcode.into(),
        line.about.as_deref().into(),
        line.ip.map(|ip| ip.to_string()).into(),
    ]
}

/// The first minute that is still kept.
fn kept_from(now: UnixTime) -> u64 {
    now.minus(KEPT_DAYS * 24 * 3600).as_secs() / 60
}
