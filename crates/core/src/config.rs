//! The configuration, read whole: a checked [`Config`], and every fault at once.
//!
//! In scope: what the settings mean, and words for what is wrong with them. A fault names the
//! setting, never its value. A fault in one app or caller leaves the others working.
//! Out of scope: where settings come from (the Worker's bindings hand them in as [`Raw`]).

mod apps;
mod callers;
mod fault;
mod secrets;
mod table;

pub use fault::{Fault, Place};

use crate::access::Callers;
use crate::app::{App, AppName, Identity};
use crate::seal::Sealer;
use crate::secret::Secret;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The settings as the platform gives them.
pub struct Raw<'a> {
    /// The var `APPS`.
    pub apps: Option<Json>,
    /// The var `CALLERS`.
    pub callers: Option<Json>,
    /// The var `STORE`.
    pub store: Option<String>,
    /// Looks up a secret by name.
    pub secret: &'a dyn Fn(&str) -> Option<Secret>,
    /// Whether the KV binding `TOKENS` is there.
    pub has_tokens: bool,
    /// Whether the Durable Object binding `KEEPER` is there.
    pub has_keeper: bool,
}

/// An app that works, with its identity computed once.
#[derive(Clone, Debug)]
pub struct ReadyApp {
    /// The app.
    pub app: App,
    /// [`App::identity`].
    pub identity: Identity,
}

/// What may be expected of a configured app.
#[derive(Clone, Debug)]
pub enum AppEntry {
    /// It works.
    Ready(Rc<ReadyApp>),
    /// Something about it is wrong.
    Faulty(Vec<Fault>),
}

/// Everything that is configured.
#[derive(Debug)]
pub struct Config {
    /// All apps that are named, working or not.
    pub apps: BTreeMap<AppName, AppEntry>,
    /// The callers that work.
    pub callers: Callers,
    /// Seals what is stored.
    pub sealer: Option<Sealer>,
    /// Sent to `api_hosts` that are not WeChat's own.
    pub gateway_key: Option<Secret>,
    /// Every fault, in the order of the settings.
    pub faults: Vec<Fault>,
}

impl Config {
    /// Reads the settings. It always gives a configuration: what is wrong is in its faults.
    pub fn read(raw: &Raw<'_>) -> Self {
        let mut faults = Vec::new();
        let sealer = secrets::sealer(raw, &mut faults);
        let gateway_key = secrets::gateway_key(raw, &mut faults);
        bindings(raw, &mut faults);
        let apps = apps::read(raw, &mut faults);
        let names: Vec<AppName> = apps.keys().cloned().collect();
        let callers = Callers::new(callers::read(raw, &names, &mut faults));
        Self { apps, callers, sealer, gateway_key, faults }
    }

    /// The faults that keep the whole centre from working.
    pub fn fatal(&self) -> impl Iterator<Item = &Fault> {
        self.faults.iter().filter(|fault| fault.place == Place::Centre)
    }

    /// The apps that work.
    pub fn ready_apps(&self) -> impl Iterator<Item = &Rc<ReadyApp>> {
        self.apps.values().filter_map(|entry| match entry {
            AppEntry::Ready(ready) => Some(ready),
            AppEntry::Faulty(_) => None,
        })
    }
}

fn bindings(raw: &Raw<'_>, faults: &mut Vec<Fault>) {
    match raw.store.as_deref() {
        None | Some("kv") => {
            if !raw.has_tokens {
                faults.push(Fault::centre(
                    "TOKENS",
                    "is not bound",
                    "bind a KV namespace as TOKENS in wrangler.toml",
                ));
            }
        }
        Some(_) => {
            faults.push(Fault::centre("STORE", "is no store of this version", "use \"kv\", or leave it out"));
        }
    }
    if !raw.has_keeper {
        let fix = "bind the Durable Object class Keeper as KEEPER in wrangler.toml, with its migration";
        faults.push(Fault::centre("KEEPER", "is not bound", fix));
    }
}

#[cfg(test)]
mod tests;
