//! The only place that reads raw bindings. It gives back a [`Centre`], checked whole, once for each
//! isolate: a change of bindings is a new deployment, and that comes with new isolates.

use crate::{log, platform};
use js_sys::{JSON, Reflect};
use serde_json::{Value as Json, json};
use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use wasm_bindgen::{JsCast, JsValue};
use worker::durable::Stub;
use worker::kv::KvStore;
use worker::{AnalyticsEngineDataset, D1Database, Env, RateLimiter};
use zhongkong_core::app::AppName;
use zhongkong_core::config::{Config, Raw};
use zhongkong_core::memory::Memory;
use zhongkong_core::record::Record;
use zhongkong_core::secret::Secret;
use zhongkong_scrub::Scrubber;

const TOKENS: &str = "TOKENS";
const DB: &str = "DB";
const KEEPER: &str = "KEEPER";
const SCHEDULER: &str = "SCHEDULER";

/// WeChat's servers stand in China. Only the first contact with a Keeper heeds this.
const KEEPER_NEAR: &str = "apac";

/// There is one scheduler for all Keepers.
const SCHEDULER_NAME: &str = "scheduler";

/// Scrubbers of apps, with and without a token to search for, and the record of that.
type Scrubbers = BTreeMap<(AppName, bool), (Option<Rc<Record>>, Rc<Scrubber>)>;

/// What this isolate knows: the configuration, and what it remembers between requests.
pub(crate) struct Centre {
    pub(crate) config: Config,
    /// Never borrowed across an await.
    pub(crate) memory: RefCell<Memory>,
    /// For what answers are searched for.
    pub(crate) scrubbers: RefCell<Scrubbers>,
    /// Counts attempts without a valid key, where it is bound.
    pub(crate) key_limit: Option<RateLimiter>,
    /// Counts signatures for pages that hold a key.
    pub(crate) sign_limit: Option<RateLimiter>,
    /// Bounds what one caller may ask for, where there is one.
    pub(crate) caller_limit: Option<RateLimiter>,
    /// Takes data points, where it is bound.
    pub(crate) analytics: Option<AnalyticsEngineDataset>,
}

thread_local! {
    static CENTRE: OnceCell<Rc<Centre>> = const { OnceCell::new() };
}

/// The centre of this isolate. Its first call reads and checks the configuration, and logs every
/// fault.
pub(crate) fn centre(env: &Env) -> Rc<Centre> {
    CENTRE.with(|centre| Rc::clone(centre.get_or_init(|| Rc::new(read(env)))))
}

/// Works with the centre, once it is known: the fast path has no bindings to read it from.
pub(crate) fn with_known_centre<T>(work: impl FnOnce(&Centre) -> Option<T>) -> Option<T> {
    CENTRE.with(|centre| work(centre.get()?))
}

/// The namespace that credentials are published to.
pub(crate) fn tokens(env: &Env) -> worker::Result<KvStore> {
    env.kv(TOKENS)
}

/// The database that credentials are published to with `STORE = "d1"`.
pub(crate) fn db(env: &Env) -> worker::Result<D1Database> {
    env.d1(DB)
}

/// The Keeper of an app.
pub(crate) fn keeper(env: &Env, app: &AppName) -> worker::Result<Stub> {
    object(env, KEEPER, app.as_str())
}

/// The scheduler.
pub(crate) fn scheduler(env: &Env) -> worker::Result<Stub> {
    object(env, SCHEDULER, SCHEDULER_NAME)
}

fn object(env: &Env, class: &str, name: &str) -> worker::Result<Stub> {
    env.durable_object(class)?.get_by_name_with_location_hint(name, KEEPER_NEAR)
}

fn read(env: &Env) -> Centre {
    let secret = |name: &str| text(env, name).map(Secret::new);
    let config = Config::read(&Raw {
        apps: table(env, "APPS"),
        callers: table(env, "CALLERS"),
        store: text(env, "STORE"),
        secret: &secret,
        to_ascii: &platform::host_in_ascii,
        has_tokens: bound(env, TOKENS, "get").is_sound(),
        has_db: bound(env, DB, "prepare").is_sound(),
        has_keeper: bound(env, KEEPER, "getByName").is_sound(),
        has_scheduler: bound(env, SCHEDULER, "getByName").is_sound(),
    });
    log::set_level(config.log_level);
    for fault in &config.faults {
        log::error("misconfigured", json!({"setting": fault.setting, "detail": fault.to_string()}));
    }
    let rate_limit =
        |name| optional(env, name, "limit", "no rate limit: bind one in wrangler.toml under [[ratelimits]]");
    let (key_limit, sign_limit) = (rate_limit("KEY_LIMIT"), rate_limit("SIGN_LIMIT"));
    let caller_limit = rate_limit("CALLER_LIMIT");
    let fix = "no dataset: bind a dataset in wrangler.toml under [[analytics_engine_datasets]]";
    let analytics = optional(env, "ANALYTICS", "writeDataPoint", fix);
    let memory = RefCell::new(Memory::of_apps(config.apps.len()));
    let scrubbers = RefCell::default();
    Centre { config, memory, scrubbers, key_limit, sign_limit, caller_limit, analytics }
}

/// What is bound under a name.
enum Bound {
    Absent,
    /// Something without the method of such a binding.
    Wrong,
    Sound(JsValue),
}

impl Bound {
    const fn is_sound(&self) -> bool {
        matches!(self, Self::Sound(_))
    }
}

fn bound(env: &Env, name: &str, method: &str) -> Bound {
    let Some(value) = value(env, name) else { return Bound::Absent };
    let has_method = Reflect::get(&value, &JsValue::from_str(method)).is_ok_and(|found| found.is_function());
    if has_method { Bound::Sound(value) } else { Bound::Wrong }
}

/// An optional binding. What is there and is something else is said to be `wrong`. By its method, not by its class: that has another
/// name in each world in which a Worker runs.
fn optional<T: JsCast>(env: &Env, name: &str, method: &str, wrong: &str) -> Option<T> {
    match bound(env, name, method) {
        Bound::Sound(value) => Some(value.unchecked_into()),
        Bound::Absent => None,
        Bound::Wrong => {
            let detail = format!("{name} is {wrong}, or leave it out.");
            log::error("misconfigured", json!({"setting": name, "detail": detail}));
            None
        }
    }
}

fn value(env: &Env, name: &str) -> Option<JsValue> {
    let value = Reflect::get(env.as_ref(), &JsValue::from_str(name)).ok()?;
    (!value.is_null_or_undefined()).then_some(value)
}

/// A var or secret that is a text. One that is something else is given as JSON, and found to be wrong by those who read it.
fn text(env: &Env, name: &str) -> Option<String> {
    let value = value(env, name)?;
    value.as_string().or_else(|| JSON::stringify(&value).ok()?.as_string())
}

/// A var that is a table; one that was given as JSON text counts too.
fn table(env: &Env, name: &str) -> Option<Json> {
    let text = text(env, name)?;
    Some(serde_json::from_str(&text).unwrap_or(Json::String(text)))
}
