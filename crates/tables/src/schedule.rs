//! Which Keeper is due when, and whose a token is. Nothing depends on it being right: an app that is woken too early
//! looks at its own plan, and without the scheduler the cron reads the store.

use crate::settings::Settings;
use crate::sql::Sql;
use serde::Deserialize;
use zhongkong_core::alert::Book;
use zhongkong_core::app::AppName;
use zhongkong_core::digest::Sha256Digest;
use zhongkong_core::protocol::{Fingerprint, Held, MOST_A_TICK, SchedulerAsk, SchedulerReply, Tick};
use zhongkong_core::time::UnixTime;

const CONFIGURED: &str = "configured";
const TICKED_AT: &str = "ticked_at";
const TESTED_AT: &str = "tested_at";

/// Test messages to the receiver of alerts are so far apart, in seconds: people read them.
const TESTS_APART_S: u64 = 60;

#[derive(Deserialize)]
struct AppRow {
    app: String,
}

#[derive(Deserialize)]
struct HolderRow {
    app: String,
    identity: String,
}

/// The scheduler's tables.
#[derive(Debug)]
pub struct Schedule<S> {
    sql: S,
    settings: Settings<S>,
}

impl<S: Sql> Schedule<S> {
    /// Opens the tables, making them where they are missing.
    ///
    /// # Errors
    /// When the database fails, as everywhere here.
    pub fn open(sql: S) -> Result<Self, S::Error> {
        for table in [
            "CREATE TABLE IF NOT EXISTS schedule (app TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, wake_at INTEGER NOT NULL) \
             WITHOUT ROWID",
            "CREATE INDEX IF NOT EXISTS schedule_by_time ON schedule (wake_at)",
            "CREATE TABLE IF NOT EXISTS tokens (digest TEXT PRIMARY KEY, app TEXT NOT NULL, identity TEXT NOT NULL, \
             until INTEGER NOT NULL) WITHOUT ROWID",
            "CREATE INDEX IF NOT EXISTS tokens_by_time ON tokens (until)",
            "CREATE INDEX IF NOT EXISTS tokens_by_app ON tokens (app)",
        ] {
            sql.run(table, vec![])?;
        }
        Ok(Self { settings: Settings::open(sql.clone())?, sql })
    }

    /// Answers a question. The scheduler itself runs under the configuration `running`, whose incidents are in `book`.
    ///
    /// # Errors
    /// When the database fails.
    pub fn answer(
        &self,
        ask: SchedulerAsk,
        running: &str,
        book: impl FnOnce() -> Result<Book, S::Error>,
    ) -> Result<SchedulerReply, S::Error> {
        Ok(match ask {
            SchedulerAsk::Due { configured, now } => {
                self.ticked(now)?;
                if self.settings.get(CONFIGURED)?.is_some_and(|registered| registered == configured) {
                    SchedulerReply::Due(self.due(now)?)
                } else {
                    SchedulerReply::Unknown
                }
            }
            SchedulerAsk::Register { configured, apps, now } => {
                self.register(&apps)?;
                // During a deployment the scheduler may run under the configuration before.
                if configured == running {
                    self.settings.set(CONFIGURED, &configured)?;
                }
                SchedulerReply::Due(self.due(now)?)
            }
            SchedulerAsk::Note { app, wake_at, token, now } => {
                self.note(&app, wake_at)?;
                if let Some(token) = token {
                    self.holds(&app, &token, now)?;
                }
                SchedulerReply::Noted
            }
            SchedulerAsk::Broken { now } => {
                self.ticked(now)?;
                SchedulerReply::Noted
            }
            SchedulerAsk::LastTick => {
                let book = book()?;
                SchedulerReply::Tick(Tick {
                    last_at: self.last_tick()?,
                    incidents: book.open().clone(),
                    alerts_waiting: book.waiting(),
                })
            }
            SchedulerAsk::Whose { token, now } => SchedulerReply::App(self.whose(&token, now)?),
            SchedulerAsk::TestAlert { now } => SchedulerReply::TestAlert { wait_s: self.test_alert(now)? },
            SchedulerAsk::Postpone { apps, until } => {
                apps.iter().try_for_each(|app| self.note(app, until))?;
                SchedulerReply::Noted
            }
            SchedulerAsk::Forget { apps } => {
                apps.iter().try_for_each(|app| self.forget(app))?;
                SchedulerReply::Noted
            }
        })
    }

    /// The cron has asked.
    fn ticked(&self, now: UnixTime) -> Result<(), S::Error> {
        self.settings.set(TICKED_AT, &now.as_secs().to_string())
    }

    fn last_tick(&self) -> Result<Option<UnixTime>, S::Error> {
        self.time(TICKED_AT)
    }

    fn time(&self, name: &str) -> Result<Option<UnixTime>, S::Error> {
        Ok(self.settings.get(name)?.and_then(|text| text.parse().ok()).map(UnixTime::from_secs))
    }

    /// Seconds until a test message may be sent; with 0 it is taken to be sent now.
    fn test_alert(&self, now: UnixTime) -> Result<u64, S::Error> {
        let before = self.time(TESTED_AT)?;
        // A clock that went back does not lengthen the pause.
        let wait_s = before.map_or(0, |at| now.until(at.plus(TESTS_APART_S)).min(TESTS_APART_S));
        if wait_s == 0 {
            self.settings.set(TESTED_AT, &now.as_secs().to_string())?;
        }
        Ok(wait_s)
    }

    /// Takes the configured apps in. New ones, and those whose identity has changed, are due now.
    fn register(&self, apps: &[(AppName, Fingerprint)]) -> Result<(), S::Error> {
        for (app, fingerprint) in apps {
            self.sql.run(
                "INSERT INTO schedule (app, fingerprint, wake_at) VALUES (?1, ?2, 0) ON CONFLICT (app) DO UPDATE \
                 SET wake_at = 0, fingerprint = excluded.fingerprint WHERE fingerprint <> excluded.fingerprint",
                vec![app.as_str().into(), fingerprint.as_str().into()],
            )?;
        }
        Ok(())
    }

    /// Those who are due, the longest waiting first.
    fn due(&self, now: UnixTime) -> Result<Vec<AppName>, S::Error> {
        let rows: Vec<AppRow> = self.sql.rows(
            "SELECT app FROM schedule WHERE wake_at <= ? ORDER BY wake_at LIMIT ?",
            vec![now.into(), u64::from(MOST_A_TICK).into()],
        )?;
        Ok(rows.iter().filter_map(|row| AppName::parse(&row.app)).collect())
    }

    fn note(&self, app: &AppName, wake_at: UnixTime) -> Result<(), S::Error> {
        self.sql.run(
            "INSERT INTO schedule (app, fingerprint, wake_at) VALUES (?1, '', ?2) \
                 ON CONFLICT (app) DO UPDATE SET wake_at = excluded.wake_at",
            vec![app.as_str().into(), wake_at.into()],
        )
    }

    /// Remembers whose a token is, and until when those before it are.
    fn holds(&self, app: &AppName, token: &Held, now: UnixTime) -> Result<(), S::Error> {
        let digest = token.digest.to_string();
        self.sql.run("DELETE FROM tokens WHERE until <= ?", vec![now.into()])?;
        self.sql.run(
            "UPDATE tokens SET until = min(until, ?1) WHERE app = ?2 AND digest <> ?3",
            vec![token.others_until.into(), app.as_str().into(), digest.as_str().into()],
        )?;
        self.sql.run(
            "INSERT OR REPLACE INTO tokens (digest, app, identity, until) VALUES (?, ?, ?, ?)",
            vec![digest.into(), app.as_str().into(), token.identity.as_str().into(), token.until.into()],
        )
    }

    fn whose(&self, token: &Sha256Digest, now: UnixTime) -> Result<Option<(AppName, Fingerprint)>, S::Error> {
        let rows: Vec<HolderRow> = self.sql.rows(
            "SELECT app, identity FROM tokens WHERE digest = ? AND until > ?",
            vec![token.to_string().into(), now.into()],
        )?;
        Ok(rows.into_iter().next().and_then(|row| Some((AppName::parse(&row.app)?, row.identity))))
    }

    fn forget(&self, app: &AppName) -> Result<(), S::Error> {
        self.sql.run("DELETE FROM schedule WHERE app = ?", vec![app.as_str().into()])?;
        self.sql.run("DELETE FROM tokens WHERE app = ?", vec![app.as_str().into()])
    }
}
