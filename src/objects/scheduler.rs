//! The roster: which Keeper is due when. One object of the Keeper's class, under a name of its own.
//!
//! It is there so that a tick costs what is due, not what exists: the cron asks here instead of reading a
//! record of every app. Keepers note here when they want to be woken. Nothing depends on it being
//! right: an app that is woken too early looks at its own plan, and without the roster the cron reads
//! the store.

use super::desk::Desk;
use super::meta::Meta;
use super::unreadable;
use crate::bindings::{self, Centre};
use crate::log;
use serde::Deserialize;
use serde_json::json;
use std::rc::Rc;
use worker::{SqlStorage, SqlStorageValue, State};
use zhongkong_core::alert::misconfigured;
use zhongkong_core::app::AppName;
use zhongkong_core::digest::Sha256Digest;
use zhongkong_core::encoding::{from_json, to_json};
use zhongkong_core::protocol::{Fingerprint, Held, MOST_A_TICK, RosterAsk, RosterReply, Tick};
use zhongkong_core::time::UnixTime;

#[derive(Deserialize)]
struct AppRow {
    app: String,
}

#[derive(Deserialize)]
struct HolderRow {
    app: String,
    identity: String,
}

/// WeChat takes a token for so long after it was replaced.
const OVERLAP_S: u64 = 300;

/// Answers a question of the cron or of a Keeper.
pub(super) fn answer(desk: &Rc<Desk>, question: &str) -> worker::Result<String> {
    let roster = Roster::open(&desk.state)?;
    let reply = match from_json(question).map_err(unreadable)? {
        RosterAsk::Due { configured, now } => {
            roster.ticked(now)?;
            look_at_configuration(desk, &bindings::centre(&desk.env), now);
            if roster.configured()?.as_deref() == Some(configured.as_str()) {
                RosterReply::Due(roster.due(now)?)
            } else {
                RosterReply::Unknown
            }
        }
        RosterAsk::Register { configured, apps, now } => {
            roster.register(&apps)?;
            let centre = bindings::centre(&desk.env);
            // During a deployment this object may run under the configuration before.
            if configured == centre.config.fingerprint {
                roster.meta.set("configured", &configured)?;
            }
            RosterReply::Due(roster.due(now)?)
        }
        RosterAsk::Note { app, wake_at, token, now } => {
            roster.note(&app, wake_at)?;
            if let Some(token) = token {
                roster.holds(&app, &token, now)?;
            }
            RosterReply::Noted
        }
        RosterAsk::Broken { now } => {
            roster.ticked(now)?;
            look_at_configuration(desk, &bindings::centre(&desk.env), now);
            RosterReply::Noted
        }
        RosterAsk::LastTick => {
            let tick = roster.meta.get("ticked_at")?.and_then(|text| text.parse().ok());
            let alerts = desk.alerts()?;
            let book = alerts.book();
            RosterReply::Tick(Tick {
                last_at: tick.map(UnixTime::from_secs),
                incidents: book.open().clone(),
                alerts_waiting: book.waiting(),
            })
        }
        RosterAsk::Whose { token, now } => RosterReply::App(roster.whose(&token, now)?),
        RosterAsk::Postpone { apps, until } => {
            for app in &apps {
                roster.note(app, until)?;
            }
            RosterReply::Noted
        }
        RosterAsk::Forget { apps } => {
            roster.forget(&apps)?;
            RosterReply::Noted
        }
    };
    to_json(&reply).map_err(unreadable)
}

/// Tells of settings that are missing or wrong, and when they no longer are.
fn look_at_configuration(desk: &Rc<Desk>, centre: &Rc<Centre>, now: UnixTime) {
    let told = desk.alerts().and_then(|alerts| {
        let found = misconfigured(&centre.config.faults);
        alerts.look(&found, now, centre.config.webhook.is_some())?;
        desk.deliver(centre, None)
    });
    if let Err(error) = told {
        log::warn("alerts_not_written", json!({"app": null, "detail": error.to_string()}));
    }
}

struct Roster {
    sql: SqlStorage,
    meta: Meta,
}

impl Roster {
    fn open(state: &State) -> worker::Result<Self> {
        let sql = state.storage().sql();
        for table in [
            "CREATE TABLE IF NOT EXISTS roster (app TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, wake_at INTEGER NOT NULL) \
             WITHOUT ROWID",
            "CREATE INDEX IF NOT EXISTS roster_by_time ON roster (wake_at)",
            "CREATE TABLE IF NOT EXISTS tokens (digest TEXT PRIMARY KEY, app TEXT NOT NULL, identity TEXT NOT NULL, \
             until INTEGER NOT NULL) WITHOUT ROWID",
            "CREATE INDEX IF NOT EXISTS tokens_by_time ON tokens (until)",
            "CREATE INDEX IF NOT EXISTS tokens_by_app ON tokens (app)",
        ] {
            sql.exec(table, None)?;
        }
        Ok(Self { sql, meta: Meta::open(state)? })
    }

    /// Which configuration was registered last.
    fn configured(&self) -> worker::Result<Option<String>> {
        self.meta.get("configured")
    }

    /// The cron has asked.
    fn ticked(&self, now: UnixTime) -> worker::Result<()> {
        self.meta.set("ticked_at", &now.as_secs().to_string())
    }

    /// Takes the configured apps in. New ones, and those whose identity has changed, are due now.
    fn register(&self, apps: &[(AppName, Fingerprint)]) -> worker::Result<()> {
        for (app, fingerprint) in apps {
            self.sql.exec(
                "INSERT INTO roster (app, fingerprint, wake_at) VALUES (?1, ?2, 0) ON CONFLICT (app) DO UPDATE \
                 SET wake_at = 0, fingerprint = excluded.fingerprint WHERE fingerprint <> excluded.fingerprint",
                vec![app.as_str().into(), fingerprint.as_str().into()],
            )?;
        }
        Ok(())
    }

    /// Those who are due, the longest waiting first.
    fn due(&self, now: UnixTime) -> worker::Result<Vec<AppName>> {
        let rows: Vec<AppRow> = self
            .sql
            .exec(
                "SELECT app FROM roster WHERE wake_at <= ? ORDER BY wake_at LIMIT ?",
                vec![seconds(now), i64::from(MOST_A_TICK).into()],
            )?
            .to_array()?;
        Ok(rows.iter().filter_map(|row| AppName::parse(&row.app)).collect())
    }

    fn note(&self, app: &AppName, wake_at: UnixTime) -> worker::Result<()> {
        self.sql
            .exec(
                "INSERT INTO roster (app, fingerprint, wake_at) VALUES (?1, '', ?2) \
                 ON CONFLICT (app) DO UPDATE SET wake_at = excluded.wake_at",
                vec![app.as_str().into(), seconds(wake_at)],
            )
            .map(drop)
    }

    /// Remembers whose a token is. The one before it is taken for as long as WeChat takes it, at most.
    fn holds(&self, app: &AppName, token: &Held, now: UnixTime) -> worker::Result<()> {
        let digest = token.digest.to_string();
        self.sql.exec("DELETE FROM tokens WHERE until <= ?", vec![seconds(now)])?;
        let kept_until = if token.alone { now } else { now.plus(OVERLAP_S) };
        self.sql.exec(
            "UPDATE tokens SET until = min(until, ?1) WHERE app = ?2 AND digest <> ?3",
            vec![seconds(kept_until), app.as_str().into(), digest.as_str().into()],
        )?;
        self.sql
            .exec(
                "INSERT OR REPLACE INTO tokens (digest, app, identity, until) VALUES (?, ?, ?, ?)",
                vec![
                    digest.into(),
                    app.as_str().into(),
                    token.identity.as_str().into(),
                    seconds(token.until),
                ],
            )
            .map(drop)
    }

    fn whose(&self, token: &Sha256Digest, now: UnixTime) -> worker::Result<Option<(AppName, Fingerprint)>> {
        let rows: Vec<HolderRow> = self
            .sql
            .exec(
                "SELECT app, identity FROM tokens WHERE digest = ? AND until > ?",
                vec![token.to_string().into(), seconds(now)],
            )?
            .to_array()?;
        Ok(rows.into_iter().next().and_then(|row| Some((AppName::parse(&row.app)?, row.identity))))
    }

    fn forget(&self, apps: &[AppName]) -> worker::Result<()> {
        for app in apps {
            self.sql.exec("DELETE FROM roster WHERE app = ?", vec![app.as_str().into()])?;
            self.sql.exec("DELETE FROM tokens WHERE app = ?", vec![app.as_str().into()])?;
        }
        Ok(())
    }
}

fn seconds(time: UnixTime) -> SqlStorageValue {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX).into()
}
