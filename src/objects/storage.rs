//! A Keeper's own SQLite: the truth about its credentials. Every slot is sealed; its version stands
//! in clear beside it, so that it survives a lost key.

use super::settings::Settings;
use super::unreadable;
use serde::Deserialize;
use worker::{SqlStorage, State};
use zhongkong_core::app::AppName;
use zhongkong_core::credential::{Credential, Version};
use zhongkong_core::encoding::{from_json, to_json};
use zhongkong_core::engine::Slot;
use zhongkong_core::seal::{Sealed, Sealer};

pub(super) struct Storage {
    sql: SqlStorage,
    settings: Settings,
}

/// A stored slot.
pub(super) enum Loaded {
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

impl Storage {
    /// Opens the tables, making them where they are missing.
    pub(super) fn open(state: &State) -> worker::Result<Self> {
        let sql = state.storage().sql();
        sql.exec(
            "CREATE TABLE IF NOT EXISTS slots (credential TEXT PRIMARY KEY, version INTEGER NOT NULL, \
             key_id TEXT NOT NULL, sealed TEXT NOT NULL) WITHOUT ROWID",
            None,
        )?;
        Ok(Self { sql, settings: Settings::open(state)? })
    }

    /// The app that this Keeper keeps; `None` before its first question.
    pub(super) fn app(&self) -> worker::Result<Option<AppName>> {
        Ok(self.settings.get("app")?.and_then(|name| AppName::parse(&name)))
    }

    /// Remembers the app, for alarms: they come without a question.
    pub(super) fn set_app(&self, app: &AppName) -> worker::Result<()> {
        self.settings.set("app", app.as_str())
    }

    /// Every stored slot. A failed read is an error, never an empty answer.
    pub(super) fn load(&self, app: &AppName, sealer: &Sealer) -> worker::Result<Vec<(Credential, Loaded)>> {
        let rows: Vec<SlotRow> =
            self.sql.exec("SELECT credential, version, key_id, sealed FROM slots", None)?.to_array()?;
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

    /// Commits a slot. Synchronous: no other event comes between the decision and the commit, and
    /// the runtime lets nothing out before it is durable.
    pub(super) fn save(
        &self,
        app: &AppName,
        credential: Credential,
        slot: &Slot,
        sealer: &Sealer,
        nonce: [u8; zhongkong_core::seal::NONCE_BYTES],
    ) -> worker::Result<()> {
        let plain = to_json(slot).map_err(unreadable)?;
        let sealed = sealer
            .seal(&place(app, credential, slot.version()), &plain, nonce)
            .map_err(|_| worker::Error::RustError("a slot could not be sealed".to_owned()))?;
        let version = i64::try_from(slot.version().number()).unwrap_or(i64::MAX);
        self.sql
            .exec(
                "INSERT OR REPLACE INTO slots (credential, version, key_id, sealed) VALUES (?, ?, ?, ?)",
                vec![credential.name().into(), version.into(), sealed.key_id.into(), sealed.text.into()],
            )
            .map(drop)
    }
}

/// Where a sealed slot belongs: moved elsewhere, it does not open.
fn place(app: &AppName, credential: Credential, version: Version) -> String {
    format!("zhongkong slot\n1\n{app}\n{credential}\n{}", version.number())
}
