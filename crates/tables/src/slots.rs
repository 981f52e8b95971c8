//! The truth about a Keeper's credentials. Every slot is sealed; its version stands in clear beside it, so that it
//! survives a lost key.

use crate::settings::Settings;
use crate::sql::{Sql, unreadable};
use serde::Deserialize;
use zhongkong_core::app::AppName;
use zhongkong_core::credential::{Credential, Version};
use zhongkong_core::encoding::{from_json, to_json};
use zhongkong_core::engine::Slot;
use zhongkong_core::seal::{NONCE_BYTES, Sealed, Sealer};

const APP: &str = "app";

/// A Keeper's slots, and the app that it keeps.
#[derive(Debug)]
pub struct Slots<S> {
    sql: S,
    settings: Settings<S>,
}

/// A stored slot.
#[derive(Debug)]
pub enum Loaded {
    /// As it was.
    Whole(Box<Slot>),
    /// Neither the current nor the previous key opens it; only its version is known.
    DoesNotOpen(Version),
}

#[derive(Deserialize)]
struct SlotRow {
    credential: String,
    version: u64,
    key_id: String,
    sealed: String,
}

impl<S: Sql> Slots<S> {
    /// Opens the tables, making them where they are missing.
    ///
    /// # Errors
    /// When the database fails, as everywhere here.
    pub fn open(sql: S) -> Result<Self, S::Error> {
        sql.run(
            "CREATE TABLE IF NOT EXISTS slots (credential TEXT PRIMARY KEY, version INTEGER NOT NULL, \
             key_id TEXT NOT NULL, sealed TEXT NOT NULL) WITHOUT ROWID",
            vec![],
        )?;
        Ok(Self { settings: Settings::open(sql.clone())?, sql })
    }

    /// The app that this Keeper keeps; `None` before its first question.
    ///
    /// # Errors
    /// When the database fails.
    pub fn app(&self) -> Result<Option<AppName>, S::Error> {
        Ok(self.settings.get(APP)?.and_then(|name| AppName::parse(&name)))
    }

    /// Remembers the app, for alarms: they come without a question.
    ///
    /// # Errors
    /// When the database fails.
    pub fn set_app(&self, app: &AppName) -> Result<(), S::Error> {
        if self.app()?.as_ref() == Some(app) { Ok(()) } else { self.settings.set(APP, app.as_str()) }
    }

    /// Every stored slot.
    ///
    /// # Errors
    /// When the database fails: a failed read is never an empty answer.
    pub fn load(&self, app: &AppName, sealer: &Sealer) -> Result<Vec<(Credential, Loaded)>, S::Error> {
        let rows: Vec<SlotRow> =
            self.sql.rows("SELECT credential, version, key_id, sealed FROM slots", vec![])?;
        let slots = rows.into_iter().filter_map(|row| {
            let credential = Credential::parse(&row.credential)?;
            let version = Version::new(row.version);
            let sealed = Sealed { key_id: row.key_id, text: row.sealed };
            let slot = sealer
                .open(&place(app, credential, version), &sealed)
                .ok()
                .and_then(|plain| from_json(&plain).ok());
            Some((credential, slot.map_or(Loaded::DoesNotOpen(version), Loaded::Whole)))
        });
        Ok(slots.collect())
    }

    /// Commits a slot, sealed with a `nonce` that was never used before. In a Durable Object that is synchronous: no
    /// other event comes between the decision and the commit, and the runtime lets nothing out before it is durable.
    ///
    /// # Errors
    /// When it cannot be sealed, or the database fails.
    pub fn save(
        &self,
        app: &AppName,
        credential: Credential,
        slot: &Slot,
        sealer: &Sealer,
        nonce: [u8; NONCE_BYTES],
    ) -> Result<(), S::Error> {
        let plain = to_json(slot).map_err(unreadable)?;
        let sealed = sealer
            .seal(&place(app, credential, slot.version()), &plain, nonce)
            .map_err(|_| "a slot could not be sealed".to_owned())?;
        let version = slot.version().number();
        self.sql.run(
            "INSERT OR REPLACE INTO slots (credential, version, key_id, sealed) VALUES (?, ?, ?, ?)",
            vec![credential.name().into(), version.into(), sealed.key_id.into(), sealed.text.into()],
        )
    }
}

/// Where a sealed slot belongs: moved elsewhere, it does not open.
fn place(app: &AppName, credential: Credential, version: Version) -> String {
    format!("zhongkong slot\n1\n{app}\n{credential}\n{}", version.number())
}
