//! The configuration, read whole: a checked [`Config`], and every fault at once.
//!
//! In scope: what the settings mean, and words for what is wrong with them. A fault names the
//! setting, never its value. A fault in one app or caller leaves the others working.
//! Out of scope: where settings come from (the Worker's bindings hand them in as [`Raw`]).

mod address;
mod apps;
mod aside;
mod callers;
mod fault;
mod hosts;
mod secrets;
mod table;

pub use aside::{HistoryOf, LogLevel};
pub use fault::{Fault, Place};
pub use hosts::ServedHosts;
pub(crate) use secrets::MIN_KEY_CHARS;

use crate::access::Callers;
use crate::alert::Webhook;
use crate::app::{App, AppName, Identity};
use crate::digest::Sha256Digest;
use crate::seal::Sealer;
use crate::secret::Secret;
use crate::signature::HostPattern;
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
    /// Looks up a secret by name, or a var that is a text.
    pub secret: &'a dyn Fn(&str) -> Option<Secret>,
    /// A host name as browsers have it: in ASCII (punycode) and in small letters (the WHATWG's "domain to ASCII"). The
    /// platform knows how; tables for it would be a fifth of this program.
    pub to_ascii: &'a dyn Fn(&str) -> Option<String>,
    /// Whether the KV binding `TOKENS` is there.
    pub has_tokens: bool,
    /// Whether the D1 binding `DB` is there.
    pub has_db: bool,
    /// Whether the Durable Object binding `KEEPER` is there.
    pub has_keeper: bool,
    /// Whether the Durable Object binding `SCHEDULER` is there.
    pub has_scheduler: bool,
}

impl Raw<'_> {
    /// Reads a pattern of host names, in any script.
    fn host_pattern(&self, text: &str) -> Option<HostPattern> {
        if text.is_ascii() {
            return HostPattern::parse(text);
        }
        let (below, host) = text.strip_prefix("*.").map_or(("", text), |host| ("*.", host));
        HostPattern::parse(&format!("{below}{}", (self.to_ascii)(host)?))
    }
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

/// Where published credentials are read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// Workers KV, the binding `TOKENS`.
    Kv,
    /// D1, the binding `DB`.
    D1,
    /// Nowhere: the Keeper is asked. For one machine and for tests.
    Memory,
}

/// Everything that is configured.
#[derive(Debug)]
pub struct Config {
    /// All apps that are named, working or not.
    pub apps: BTreeMap<AppName, AppEntry>,
    appids: BTreeMap<String, AppName>,
    /// The callers that work.
    pub callers: Callers,
    /// Seals what is stored.
    pub sealer: Option<Sealer>,
    /// Where published credentials are read from.
    pub store: StoreKind,
    /// Sent to `api_hosts` that are not WeChat's own.
    pub gateway_key: Option<Secret>,
    /// Who is told of incidents.
    pub webhook: Option<Webhook>,
    /// How much is logged.
    pub log_level: LogLevel,
    /// What the history holds of callers who may.
    pub history: HistoryOf,
    /// Under which host names there is an answer.
    pub hosts: ServedHosts,
    /// Tells two sets of working apps and of faults apart.
    pub fingerprint: String,
    /// Every fault, in the order of the settings.
    pub faults: Vec<Fault>,
}

impl Config {
    /// Reads the settings. It always gives a configuration: what is wrong is in its faults.
    pub fn read(raw: &Raw<'_>) -> Self {
        let mut faults = Vec::new();
        let sealer = secrets::sealer(raw, &mut faults);
        let gateway_key = secrets::gateway_key(raw, &mut faults);
        let store = store(raw, &mut faults);
        objects(raw, &mut faults);
        let (apps, appids) = apps::read(raw, &mut faults);
        let names: Vec<AppName> = apps.keys().cloned().collect();
        let callers = Callers::new(callers::read(raw, &names, &mut faults));
        let webhook = aside::webhook(raw, &mut faults);
        let log_level = aside::log_level(raw, &mut faults);
        let history = aside::history(raw, &mut faults);
        let hosts = hosts::read(raw, &mut faults);
        let fingerprint = String::new();
        let mut config = Self {
            apps,
            appids,
            callers,
            sealer,
            store,
            gateway_key,
            webhook,
            log_level,
            history,
            hosts,
            fingerprint,
            faults,
        };
        config.fingerprint = fingerprint_of(config.ready_apps(), &config.faults);
        config
    }

    /// The faults that keep the whole centre from working.
    pub fn fatal(&self) -> impl Iterator<Item = &Fault> {
        self.faults.iter().filter(|fault| fault.place == Place::Centre)
    }

    /// The name of the app with this appid, working or not.
    pub fn app_of(&self, appid: &str) -> Option<&AppName> {
        self.appids.get(appid)
    }

    /// The name of an app, if there is one of this name.
    pub fn name_of(&self, app: &str) -> Option<&AppName> {
        self.apps.get_key_value(app).map(|(name, _)| name)
    }

    /// The apps that work.
    pub fn ready_apps(&self) -> impl Iterator<Item = &Rc<ReadyApp>> {
        self.apps.values().filter_map(|entry| match entry {
            AppEntry::Ready(ready) => Some(ready),
            AppEntry::Faulty(_) => None,
        })
    }
}

fn fingerprint_of<'a>(apps: impl Iterator<Item = &'a Rc<ReadyApp>>, faults: &[Fault]) -> String {
    let apps = apps.map(|ready| format!("{} {}", ready.app.name, ready.identity.fingerprint()));
    let parts: Vec<String> = apps.chain(faults.iter().map(ToString::to_string)).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    Sha256Digest::of_parts(&parts).short()
}

fn store(raw: &Raw<'_>, faults: &mut Vec<Fault>) -> StoreKind {
    let (kind, missing) = match raw.store.as_deref() {
        None | Some("kv") => {
            let fix = "bind a KV namespace as TOKENS in wrangler.toml";
            (StoreKind::Kv, (!raw.has_tokens).then_some(("TOKENS", "is not bound", fix)))
        }
        Some("d1") => {
            let fix = "bind a D1 database as DB in wrangler.toml, and make its table with `wrangler d1 migrations apply DB --remote`";
            (StoreKind::D1, (!raw.has_db).then_some(("DB", "is not bound", fix)))
        }
        Some("memory") => (StoreKind::Memory, None),
        Some(_) => {
            let fix = "use \"kv\", \"d1\" or \"memory\", or leave it out for \"kv\"";
            (StoreKind::Kv, Some(("STORE", "is no store", fix)))
        }
    };
    if let Some((setting, problem, fix)) = missing {
        faults.push(Fault::centre(setting, problem, fix));
    }
    kind
}

fn objects(raw: &Raw<'_>, faults: &mut Vec<Fault>) {
    if !raw.has_keeper {
        let fix = "bind the Durable Object class Keeper as KEEPER in wrangler.toml, with its migration";
        faults.push(Fault::centre("KEEPER", "is not bound", fix));
    }
    if !raw.has_scheduler {
        let fix = "bind the Durable Object class Scheduler as SCHEDULER in wrangler.toml, with its migration; until then \
                   the cron reads the records of all apps, the façade knows no real tokens, and faults are not alerted of";
        faults.push(Fault::new(Place::Aside, "SCHEDULER", "is not bound", fix));
    }
}

#[cfg(test)]
pub(crate) mod tests;
