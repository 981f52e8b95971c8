//! Where published credentials are read from. The Keeper saves, everybody finds.
//!
//! The interface is the core's [`Store`]; here are the ones that Workers offer, chosen by `STORE`. A
//! find that failed is not an empty one: [`Found`] tells them apart.

mod d1;
mod kv;

use crate::bindings::Centre;
use crate::{bindings, log, platform};
use d1::D1;
use kv::Kv;
use serde_json::json;
use std::time::Duration;
use worker::Env;
use zhongkong_core::app::AppName;
use zhongkong_core::config::StoreKind;
use zhongkong_core::credential::{Credential, Version};
use zhongkong_core::history::{Action, Deed};
use zhongkong_core::record::{Header, Published, Record, store_key};
use zhongkong_core::store::{Entry, Saved, Store, StoreFailure};
use zhongkong_core::time::UnixTime;

/// A store that takes longer to say what it has is not waited for: the Keeper has the truth.
const READ_TAKES: Duration = Duration::from_secs(2);

/// Where nobody waits it may take longer, for each step. What was not written then is written again.
const WORK_TAKES: Duration = Duration::from_secs(5);

/// What a store has under a key.
pub(crate) enum Found<T> {
    /// A record.
    Here(T),
    /// Nothing.
    Nothing,
    /// Something that does not open: it is to be written over.
    Spoilt,
    /// The store did not say. Nothing may be concluded from it.
    Failed,
}

/// The stores that can be chosen.
enum Chosen {
    Kv(Kv),
    D1(D1),
    Memory,
}

fn chosen(env: &Env, centre: &Centre) -> Result<Chosen, StoreFailure> {
    let bound = match centre.config.store {
        StoreKind::Kv => bindings::tokens(env).map(|store| Chosen::Kv(Kv(store))),
        StoreKind::D1 => bindings::db(env).map(|db| Chosen::D1(D1(db))),
        StoreKind::Memory => Ok(Chosen::Memory),
    };
    bound.map_err(|_| StoreFailure("the store is not bound".to_owned()))
}

impl Store for Chosen {
    async fn find(&self, key: &str) -> Result<Option<String>, StoreFailure> {
        match self {
            Self::Kv(store) => store.find(key).await,
            Self::D1(store) => store.find(key).await,
            Self::Memory => Ok(None),
        }
    }

    async fn save(&self, key: &str, entry: &Entry, now: UnixTime) -> Result<Saved, StoreFailure> {
        match self {
            Self::Kv(store) => store.save(key, entry, now).await,
            Self::D1(store) => store.save(key, entry, now).await,
            // The Keeper that saves is the memory.
            Self::Memory => Ok(Saved::Here),
        }
    }

    async fn replace(&self, key: &str, entry: &Entry, now: UnixTime) -> Result<(), StoreFailure> {
        match self {
            Self::Kv(store) => store.replace(key, entry, now).await,
            Self::D1(store) => store.replace(key, entry, now).await,
            Self::Memory => Ok(()),
        }
    }

    async fn find_many(&self, keys: &[String]) -> Result<Vec<Option<String>>, StoreFailure> {
        match self {
            Self::Kv(store) => store.find_many(keys).await,
            Self::D1(store) => store.find_many(keys).await,
            Self::Memory => Ok(vec![None; keys.len()]),
        }
    }
}

/// Finds one record and opens it.
pub(crate) async fn find(env: &Env, centre: &Centre, app: &AppName, credential: Credential) -> Found<Record> {
    let Some(sealer) = &centre.config.sealer else { return Found::Failed };
    let found = match chosen(env, centre) {
        // Memory shows nothing here, and nothing may be concluded from that.
        Ok(Chosen::Memory) => return Found::Failed,
        Ok(store) => store.find(&store_key(app, credential)).await,
        Err(failure) => Err(failure),
    };
    match found {
        Ok(Some(text)) => match Published::open(&text, sealer, app, credential) {
            Ok(Published::Record(record)) => Found::Here(record),
            Ok(Published::Withdrawn { .. }) => Found::Nothing,
            Err(_) => {
                log::error("record_does_not_open", json!({"app": app, "credential": credential}));
                let deed = Deed::of_keeper(Action::Open, Some(credential), "record_does_not_open");
                let now = platform::now();
                centre.memory.borrow_mut().audit.of(Some(app)).note(&deed, now);
                Found::Spoilt
            }
        },
        Ok(None) => Found::Nothing,
        Err(failure) => {
            log::warn(
                "store_read_failed",
                json!({"app": app, "credential": credential, "detail": failure.to_string()}),
            );
            Found::Failed
        }
    }
}

/// Finds the headers of many records at once, in the order asked. Nothing is opened: good for
/// planning.
pub(crate) async fn headers(
    env: &Env,
    centre: &Centre,
    wanted: &[(&AppName, Credential)],
) -> Vec<Found<Header>> {
    let keys: Vec<String> = wanted.iter().map(|(app, credential)| store_key(app, *credential)).collect();
    let found = match chosen(env, centre) {
        Ok(store) => store.find_many(&keys).await,
        Err(failure) => Err(failure),
    };
    match found {
        Ok(_) if centre.config.store == StoreKind::Memory => keys.iter().map(|_| Found::Failed).collect(),
        // What cannot be read is as good as missing: it has to be written again.
        Ok(texts) => texts
            .iter()
            .map(|text| text.as_deref().and_then(Header::peek).map_or(Found::Nothing, Found::Here))
            .collect(),
        Err(failure) => {
            log::warn("store_read_failed", json!({"keys": keys.len(), "detail": failure.to_string()}));
            keys.iter().map(|_| Found::Failed).collect()
        }
    }
}

/// Publishes. When the store stays with a newer version, that is what comes back.
///
/// # Errors
/// [`StoreFailure`] when it has to be done again.
pub(crate) async fn save(
    env: &Env,
    centre: &Centre,
    app: &AppName,
    credential: Credential,
    published: &Published,
) -> Result<Option<Version>, StoreFailure> {
    let sealer = centre.config.sealer.as_ref().ok_or_else(|| StoreFailure("no SEAL_KEY".to_owned()))?;
    let entry = published
        .seal(sealer, app, credential, platform::random())
        .map_err(|_| StoreFailure("a record could not be sealed".to_owned()))?;
    let (store, key, now) = (chosen(env, centre)?, store_key(app, credential), platform::now());
    let Saved::Newer(there) = store.save(&key, &entry, now).await? else { return Ok(None) };
    // Only what opens is believed: a version in clear may be anybody's.
    let newer = Published::open(&there, sealer, app, credential).map(|newer| newer.version());
    if let Some(newer) = newer.ok().filter(|newer| *newer > entry.version) {
        return Ok(Some(newer));
    }
    log::error("record_written_over", json!({"app": app, "credential": credential}));
    store.replace(&key, &entry, now).await.map(|()| None)
}
