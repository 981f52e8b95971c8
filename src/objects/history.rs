//! The history in the Keeper's SQLite. It needs no sound configuration: that of an app which is faulty is
//! of all the most interesting.

use super::counts::{Counts, Number, clamped, integer};
use super::unreadable;
use crate::{log, platform};
use serde_json::json;
use worker::{SqlStorage, SqlStorageValue, State};
use zhongkong_core::credential::Credential;
use zhongkong_core::encoding::{from_json, to_json};
use zhongkong_core::history::{Action, KEPT_DAYS, Kind, Line};
use zhongkong_core::protocol::{Entry, Filter, HistoryAsk};
use zhongkong_core::tally::Count;
use zhongkong_core::time::UnixTime;

/// Lines of this minute are looked for among so many of the newest.
const LOOK_BACK: i64 = 512;

/// After so many new lines those that are too many are deleted.
const SWEEP_EVERY: u64 = 500;

pub(super) struct History {
    sql: SqlStorage,
    pub(super) counts: Counts,
}

/// Answers a question about it.
pub(super) fn answer(state: &State, question: &str) -> worker::Result<String> {
    let history = History::open(state)?;
    let answer = match from_json(question).map_err(unreadable)? {
        HistoryAsk::Note { lines, reads } => {
            // A line that is not taken would not be taken the next time either.
            for error in lines.iter().filter_map(|line| history.add(line).err()) {
                log::warn("history_not_written", json!({"detail": error.to_string()}));
            }
            history.counts.add_reads(reads)?;
            to_json(&Vec::<Entry>::new())
        }
        HistoryAsk::Page(filter) => to_json(&history.page(&filter)?),
        HistoryAsk::Trends => to_json(&history.counts.trends()?),
    };
    answer.map_err(unreadable)
}

impl History {
    /// Opens the table, making it where it is missing.
    pub(super) fn open(state: &State) -> worker::Result<Self> {
        let sql = state.storage().sql();
        sql.exec(
            "CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY AUTOINCREMENT, minute INTEGER NOT NULL, \
             kind TEXT NOT NULL, caller TEXT, action TEXT NOT NULL, credential TEXT, result TEXT NOT NULL, \
             version INTEGER, errcode INTEGER, about TEXT, ip TEXT, first_at INTEGER NOT NULL, \
             last_at INTEGER NOT NULL, count INTEGER NOT NULL)",
            None,
        )?;
        Ok(Self { sql, counts: Counts::open(state)? })
    }

    /// Adds a line to the one of its like in the same minute, else after all others. In a minute that
    /// is told in detail already, it is told in short.
    pub(super) fn add(&self, line: &Line) -> worker::Result<()> {
        if let Some(count) = Count::of(line) {
            self.counts.add(&count, line.first_at)?;
        }
        if self.merge(line)? {
            return Ok(());
        }
        if !self.is_crowded(line)? {
            return self.append(line);
        }
        let short = line.in_short();
        if self.merge(&short)? { Ok(()) } else { self.append(&short) }
    }

    fn merge(&self, line: &Line) -> worker::Result<bool> {
        let more = vec![integer(line.count), integer(line.last_at.as_secs()), LOOK_BACK.into()];
        let merged: Vec<Number> = self
            .sql
            .exec(
                "UPDATE events SET count = count + ?11, last_at = max(last_at, ?12) \
                 WHERE id > (SELECT coalesce(max(id), 0) FROM events) - ?13 AND minute = ?1 AND kind = ?2 \
                 AND caller IS ?3 AND action = ?4 AND credential IS ?5 AND result = ?6 AND version IS ?7 \
                 AND errcode IS ?8 AND about IS ?9 AND ip IS ?10 RETURNING id AS n",
                [likeness(line), more].concat(),
            )?
            .to_array()?;
        Ok(!merged.is_empty())
    }

    fn is_crowded(&self, line: &Line) -> worker::Result<bool> {
        let like = vec![
            integer(line.minute()),
            line.kind.name().into(),
            line.caller.as_deref().into(),
            LOOK_BACK.into(),
        ];
        let counted: Vec<Number> = self
            .sql
            .exec(
                "SELECT count(*) AS n FROM events WHERE id > (SELECT coalesce(max(id), 0) FROM events) - ?4 \
                 AND minute = ?1 AND kind = ?2 AND caller IS ?3",
                like,
            )?
            .to_array()?;
        Ok(counted.iter().any(|row| row.n >= u64::from(line.kind.most_in_a_minute())))
    }

    fn append(&self, line: &Line) -> worker::Result<()> {
        let more =
            vec![integer(line.count), integer(line.last_at.as_secs()), integer(line.first_at.as_secs())];
        let new: Vec<Number> = self
            .sql
            .exec(
                "INSERT INTO events (minute, kind, caller, action, credential, result, version, errcode, about, ip, \
                 count, last_at, first_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) \
                 RETURNING id AS n",
                [likeness(line), more].concat(),
            )?
            .to_array()?;
        if new.iter().any(|row| row.n % SWEEP_EVERY == 0) {
            for kind in Kind::ALL {
                self.sql.exec(
                    "DELETE FROM events WHERE kind = ?1 AND id <= \
                     (SELECT id FROM events WHERE kind = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
                    vec![kind.name().into(), integer(u64::from(kind.most_kept()))],
                )?;
            }
        }
        self.forget_old(platform::now()).map(drop)
    }

    /// Deletes what is too old; says whether anything is left. Costs one row where nothing is too old.
    pub(super) fn forget_old(&self, now: UnixTime) -> worker::Result<bool> {
        let kept_from = kept_from(now);
        let oldest = "SELECT minute AS n FROM events ORDER BY id LIMIT 1";
        let before: Vec<Number> = self.sql.exec(oldest, None)?.to_array()?;
        if before.iter().all(|row| row.n >= kept_from) {
            return Ok(!before.is_empty());
        }
        self.sql.exec("DELETE FROM events WHERE minute < ?", vec![integer(kept_from)])?;
        Ok(!self.sql.exec(oldest, None)?.to_array::<Number>()?.is_empty())
    }

    /// A part of it, newest first. What is too old and not yet deleted is not shown.
    fn page(&self, filter: &Filter) -> worker::Result<Vec<Entry>> {
        self.sql
            .exec(
                "SELECT id, kind, caller, action, credential, result, version, errcode, about, ip, first_at, last_at, \
                 count FROM events WHERE minute >= ?1 AND id < ?2 AND (?3 IS NULL OR kind = ?3) \
                 AND (?4 IS NULL OR action = ?4) AND (?5 IS NULL OR caller = ?5) ORDER BY id DESC LIMIT ?6",
                vec![
                    integer(kept_from(platform::now())),
                    integer(filter.before.unwrap_or(u64::MAX)),
                    filter.kind.map(Kind::name).into(),
                    filter.action.map(Action::name).into(),
                    filter.caller.as_deref().into(),
                    integer(u64::from(filter.limit)),
                ],
            )?
            .to_array()
    }
}

/// What makes two lines one.
fn likeness(line: &Line) -> Vec<SqlStorageValue> {
    vec![
        integer(line.minute()),
        line.kind.name().into(),
        line.caller.as_deref().into(),
        line.action.name().into(),
        line.credential.map(Credential::name).into(),
        line.result.as_str().into(),
        line.version.map(|version| clamped(version.number())).into(),
        line.errcode.into(),
        line.about.as_deref().into(),
        line.ip.map(|ip| ip.to_string()).into(),
    ]
}

/// The first minute that is still kept.
fn kept_from(now: UnixTime) -> u64 {
    now.minus(KEPT_DAYS * 24 * 3600).as_secs() / 60
}
