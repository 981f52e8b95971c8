//! The history in the Keeper's SQLite. It needs no sound configuration: that of an app which is faulty is
//! of all the most interesting.

use super::wire::{Entry, Filter, HistoryAsk};
use crate::platform;
use serde::Deserialize;
use worker::{Request, Response, SqlStorage, SqlStorageValue, State};
use zhongkong_core::credential::Credential;
use zhongkong_core::history::{Action, KEPT_DAYS, Kind, Line};

/// A line of this minute is looked for among so many of the newest.
const LOOK_BACK: i64 = 64;

/// After so many new lines those that are too many or too old are deleted.
const SWEEP_EVERY: u64 = 500;

#[derive(Deserialize)]
struct IdRow {
    id: u64,
}

pub(super) struct History(SqlStorage);

/// Answers a question about it.
pub(super) async fn answer(state: &State, mut request: Request) -> worker::Result<Response> {
    let history = History::open(state)?;
    match request.json().await? {
        HistoryAsk::Note(lines) => {
            for line in &lines {
                history.add(line)?;
            }
            Response::from_json::<[Entry; 0]>(&[])
        }
        HistoryAsk::Page(filter) => Response::from_json(&history.page(&filter)?),
    }
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
        Ok(Self(sql))
    }

    /// Adds a line to the one of its like in the same minute, else after all others.
    pub(super) fn add(&self, line: &Line) -> worker::Result<()> {
        let like = || {
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
                integer(line.count),
                integer(line.last_at.as_secs()),
            ]
        };
        let added: Vec<IdRow> = self
            .0
            .exec(
                "UPDATE events SET count = count + ?11, last_at = max(last_at, ?12) \
                 WHERE id > (SELECT coalesce(max(id), 0) FROM events) - ?13 AND minute = ?1 AND kind = ?2 \
                 AND caller IS ?3 AND action = ?4 AND credential IS ?5 AND result = ?6 AND version IS ?7 \
                 AND errcode IS ?8 AND about IS ?9 AND ip IS ?10 RETURNING id",
                [like(), vec![LOOK_BACK.into()]].concat(),
            )?
            .to_array()?;
        if !added.is_empty() {
            return Ok(());
        }
        let new: Vec<IdRow> = self
            .0
            .exec(
                "INSERT INTO events (minute, kind, caller, action, credential, result, version, errcode, about, ip, \
                 count, last_at, first_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) \
                 RETURNING id",
                [like(), vec![integer(line.first_at.as_secs())]].concat(),
            )?
            .to_array()?;
        if new.iter().any(|row| row.id % SWEEP_EVERY == 0) { self.sweep() } else { Ok(()) }
    }

    /// Keeps of each kind the newest, and nothing that is too old.
    fn sweep(&self) -> worker::Result<()> {
        let oldest = platform::now().minus(KEPT_DAYS * 24 * 3600).as_secs() / 60;
        self.0.exec("DELETE FROM events WHERE minute < ?", vec![integer(oldest)])?;
        for kind in Kind::ALL {
            self.0.exec(
                "DELETE FROM events WHERE kind = ?1 AND id <= \
                 (SELECT id FROM events WHERE kind = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
                vec![kind.name().into(), integer(u64::from(kind.most_kept()))],
            )?;
        }
        Ok(())
    }

    /// A part of it, newest first. What is too old and not yet deleted is not shown.
    fn page(&self, filter: &Filter) -> worker::Result<Vec<Entry>> {
        let oldest = platform::now().minus(KEPT_DAYS * 24 * 3600).as_secs() / 60;
        self.0
            .exec(
                "SELECT id, kind, caller, action, credential, result, version, errcode, about, ip, first_at, last_at, \
                 count FROM events WHERE minute >= ?1 AND id < ?2 AND (?3 IS NULL OR kind = ?3) \
                 AND (?4 IS NULL OR action = ?4) AND (?5 IS NULL OR caller = ?5) ORDER BY id DESC LIMIT ?6",
                vec![
                    integer(oldest),
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

/// What SQLite and JavaScript both hold exactly.
fn clamped(number: u64) -> i64 {
    const MOST: i64 = (1 << 53) - 1;
    i64::try_from(number).map_or(MOST, |number| number.min(MOST))
}

fn integer(number: u64) -> SqlStorageValue {
    clamped(number).into()
}
