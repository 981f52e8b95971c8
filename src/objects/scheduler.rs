//! The scheduler: which Keeper is due when. One Durable Object of a class of its own.
//!
//! It is there so that a tick costs what is due, not what exists: the cron asks here instead of reading a record of
//! every app. Keepers note here when they want to be woken. Nothing depends on it being right: an app that is woken
//! too early looks at its own plan, and without the scheduler the cron reads the store.

use super::notices::Notices;
use super::settings::Settings;
use super::{ALARM_AGAIN, set_alarm_in, unreadable};
use crate::{bindings, log};
use serde::Deserialize;
use serde_json::json;
use std::cell::RefCell;
use std::rc::Rc;
use worker::{DurableObject, Env, Request, Response, SqlStorage, SqlStorageValue, State, durable_object};
use zhongkong_core::alert::misconfigured;
use zhongkong_core::app::AppName;
use zhongkong_core::digest::Sha256Digest;
use zhongkong_core::encoding::{from_json, to_json};
use zhongkong_core::protocol::{Fingerprint, Held, MOST_A_TICK, SchedulerAsk, SchedulerReply, Tick};
use zhongkong_core::time::UnixTime;

/// WeChat takes a token for so long after it was replaced.
const OVERLAP_S: u64 = 300;

/// The Durable Object class.
#[durable_object(alarm)]
pub struct Scheduler {
    object: Rc<Object>,
}

struct Object {
    state: State,
    env: Env,
    notices: RefCell<Option<Rc<Notices>>>,
}

impl DurableObject for Scheduler {
    fn new(state: State, env: Env) -> Self {
        Self { object: Rc::new(Object { state, env, notices: RefCell::default() }) }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        let question = request.text().await?;
        match self.object.answer(&question) {
            Ok(answer) => Response::ok(answer),
            Err(error) => {
                log::warn("scheduler_failed", json!({"detail": error.to_string()}));
                Response::error("the scheduler could not answer", 500)
            }
        }
    }

    /// Sends what waits to be told of the configuration.
    async fn alarm(&self) -> worker::Result<Response> {
        if let Err(error) = self.object.deliver().await {
            log::warn("alarm_failed", json!({"detail": error.to_string()}));
            set_alarm_in(&self.object.state, ALARM_AGAIN).await?;
        }
        Response::empty()
    }
}

impl Object {
    /// Answers a question of the cron or of a Keeper.
    fn answer(self: &Rc<Self>, question: &str) -> worker::Result<String> {
        let schedule = Schedule::open(&self.state)?;
        let reply = match from_json(question).map_err(unreadable)? {
            SchedulerAsk::Due { configured, now } => {
                schedule.ticked(now)?;
                self.look_at_configuration();
                if schedule.configured()?.as_deref() == Some(configured.as_str()) {
                    SchedulerReply::Due(schedule.due(now)?)
                } else {
                    SchedulerReply::Unknown
                }
            }
            SchedulerAsk::Register { configured, apps, now } => {
                schedule.register(&apps)?;
                // During a deployment this object may run under the configuration before.
                if configured == bindings::centre(&self.env).config.fingerprint {
                    schedule.settings.set("configured", &configured)?;
                }
                SchedulerReply::Due(schedule.due(now)?)
            }
            SchedulerAsk::Note { app, wake_at, token, now } => {
                schedule.note(&app, wake_at)?;
                if let Some(token) = token {
                    schedule.holds(&app, &token, now)?;
                }
                SchedulerReply::Noted
            }
            SchedulerAsk::Broken { now } => {
                schedule.ticked(now)?;
                self.look_at_configuration();
                SchedulerReply::Noted
            }
            SchedulerAsk::LastTick => {
                let tick = schedule.settings.get("ticked_at")?.and_then(|text| text.parse().ok());
                let book = self.notices()?.book();
                SchedulerReply::Tick(Tick {
                    last_at: tick.map(UnixTime::from_secs),
                    incidents: book.open().clone(),
                    alerts_waiting: book.waiting(),
                })
            }
            SchedulerAsk::Whose { token, now } => SchedulerReply::App(schedule.whose(&token, now)?),
            SchedulerAsk::Postpone { apps, until } => {
                for app in &apps {
                    schedule.note(app, until)?;
                }
                SchedulerReply::Noted
            }
            SchedulerAsk::Forget { apps } => {
                schedule.forget(&apps)?;
                SchedulerReply::Noted
            }
        };
        to_json(&reply).map_err(unreadable)
    }

    fn notices(&self) -> worker::Result<Rc<Notices>> {
        if let Some(notices) = &*self.notices.borrow() {
            return Ok(Rc::clone(notices));
        }
        let notices = Rc::new(Notices::open(&self.state, &bindings::centre(&self.env), None)?);
        *self.notices.borrow_mut() = Some(Rc::clone(&notices));
        Ok(notices)
    }

    /// Tells of settings that are missing or wrong, and when they no longer are. What fails here stops nothing else.
    fn look_at_configuration(self: &Rc<Self>) {
        let found = misconfigured(&bindings::centre(&self.env).config.faults);
        match self.notices() {
            Ok(notices) => notices.look(&found),
            Err(error) => {
                return log::warn("alerts_not_written", json!({"app": null, "detail": error.to_string()}));
            }
        }
        let object = Rc::clone(self);
        self.state.wait_until(async move {
            if let Err(error) = object.deliver().await {
                log::warn("alarm_not_set", json!({"detail": error.to_string()}));
            }
        });
    }

    async fn deliver(&self) -> worker::Result<()> {
        self.notices()?.deliver(&self.state, &bindings::centre(&self.env)).await
    }
}

#[derive(Deserialize)]
struct AppRow {
    app: String,
}

#[derive(Deserialize)]
struct HolderRow {
    app: String,
    identity: String,
}

struct Schedule {
    sql: SqlStorage,
    settings: Settings,
}

impl Schedule {
    fn open(state: &State) -> worker::Result<Self> {
        let sql = state.storage().sql();
        for table in [
            "CREATE TABLE IF NOT EXISTS schedule (app TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, wake_at INTEGER NOT NULL) \
             WITHOUT ROWID",
            "CREATE INDEX IF NOT EXISTS schedule_by_time ON schedule (wake_at)",
            "CREATE TABLE IF NOT EXISTS tokens (digest TEXT PRIMARY KEY, app TEXT NOT NULL, identity TEXT NOT NULL, \
             until INTEGER NOT NULL) WITHOUT ROWID",
            "CREATE INDEX IF NOT EXISTS tokens_by_time ON tokens (until)",
            "CREATE INDEX IF NOT EXISTS tokens_by_app ON tokens (app)",
        ] {
            sql.exec(table, None)?;
        }
        Ok(Self { sql, settings: Settings::open(state)? })
    }

    /// Which configuration was registered last.
    fn configured(&self) -> worker::Result<Option<String>> {
        self.settings.get("configured")
    }

    /// The cron has asked.
    fn ticked(&self, now: UnixTime) -> worker::Result<()> {
        self.settings.set("ticked_at", &now.as_secs().to_string())
    }

    /// Takes the configured apps in. New ones, and those whose identity has changed, are due now.
    fn register(&self, apps: &[(AppName, Fingerprint)]) -> worker::Result<()> {
        for (app, fingerprint) in apps {
            self.sql.exec(
                "INSERT INTO schedule (app, fingerprint, wake_at) VALUES (?1, ?2, 0) ON CONFLICT (app) DO UPDATE \
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
                "SELECT app FROM schedule WHERE wake_at <= ? ORDER BY wake_at LIMIT ?",
                vec![seconds(now), i64::from(MOST_A_TICK).into()],
            )?
            .to_array()?;
        Ok(rows.iter().filter_map(|row| AppName::parse(&row.app)).collect())
    }

    fn note(&self, app: &AppName, wake_at: UnixTime) -> worker::Result<()> {
        self.sql
            .exec(
                "INSERT INTO schedule (app, fingerprint, wake_at) VALUES (?1, '', ?2) \
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
            self.sql.exec("DELETE FROM schedule WHERE app = ?", vec![app.as_str().into()])?;
            self.sql.exec("DELETE FROM tokens WHERE app = ?", vec![app.as_str().into()])?;
        }
        Ok(())
    }
}

fn seconds(time: UnixTime) -> SqlStorageValue {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX).into()
}
