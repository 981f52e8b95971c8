//! The only place that reads raw bindings. It gives back a [`Centre`], checked whole, once for each
//! isolate: a change of bindings is a new deployment, and that comes with new isolates.

use crate::journals::Journals;
use crate::shelf::Shelves;
use crate::{log, panic};
use js_sys::{JSON, Reflect};
use serde_json::{Value as Json, json};
use std::cell::{OnceCell, RefCell};
use std::rc::Rc;
use wasm_bindgen::JsValue;
use worker::Env;
use worker::durable::Stub;
use zhongkong_core::app::AppName;
use zhongkong_core::config::{Config, Raw};
use zhongkong_core::facade::{AskedAgain, Holders};
use zhongkong_core::secret::Secret;

const TOKENS: &str = "TOKENS";
const DB: &str = "DB";
const KEEPER: &str = "KEEPER";
const KEY_LIMIT: &str = "KEY_LIMIT";
const SIGN_LIMIT: &str = "SIGN_LIMIT";
const ANALYTICS: &str = "ANALYTICS";

/// WeChat's servers stand in China. Only the first contact with a Keeper heeds this.
const KEEPER_NEAR: &str = "apac";

/// What this isolate knows: the configuration, and the copies that it may serve for a few seconds.
pub(crate) struct Centre {
    pub(crate) config: Config,
    pub(crate) shelves: Shelves,
    pub(crate) journals: Journals,
    /// Whose real tokens are, as far as this isolate has heard.
    pub(crate) holders: RefCell<Holders>,
    pub(crate) asked_again: RefCell<AskedAgain>,
    /// Counts attempts without a valid key, where it is bound.
    pub(crate) key_limit: Option<JsValue>,
    /// Counts signatures for pages that hold a key.
    pub(crate) sign_limit: Option<JsValue>,
    /// Takes data points, where it is bound.
    pub(crate) analytics: Option<JsValue>,
}

thread_local! {
    static CENTRE: OnceCell<Rc<Centre>> = const { OnceCell::new() };
}

/// The centre of this isolate. Its first call reads and checks the configuration, and logs every
/// fault.
pub(crate) fn centre(env: &Env) -> Rc<Centre> {
    CENTRE.with(|centre| Rc::clone(centre.get_or_init(|| Rc::new(read(env)))))
}

/// The namespace that credentials are published to.
pub(crate) fn tokens(env: &Env) -> Option<JsValue> {
    binding(env, TOKENS)
}

/// The database that credentials are published to with `STORE = "d1"`.
pub(crate) fn db(env: &Env) -> Option<JsValue> {
    binding(env, DB)
}

/// The Keeper of an app.
pub(crate) fn keeper(env: &Env, app: &AppName) -> worker::Result<Stub> {
    object(env, app.as_str())
}

/// The roster of all Keepers: an object of the same class, under a name that no app can have.
pub(crate) fn roster(env: &Env) -> worker::Result<Stub> {
    object(env, "*roster")
}

fn object(env: &Env, name: &str) -> worker::Result<Stub> {
    env.durable_object(KEEPER)?.get_by_name_with_location_hint(name, KEEPER_NEAR)
}

fn read(env: &Env) -> Centre {
    // The first thing that an instance does, and after the `worker` crate has set its own.
    panic::watch();
    let secret = |name: &str| text(env, name).map(Secret::new);
    let config = Config::read(&Raw {
        apps: json(env, "APPS"),
        callers: json(env, "CALLERS"),
        store: text(env, "STORE"),
        secret: &secret,
        has_tokens: binding(env, TOKENS).is_some(),
        has_db: binding(env, DB).is_some(),
        has_keeper: binding(env, KEEPER).is_some(),
    });
    log::set_level(config.log_level);
    for fault in &config.faults {
        log::error("misconfigured", json!({"setting": fault.setting, "detail": fault.to_string()}));
    }
    let shelves = Shelves::new(config.ready_apps().map(|ready| ready.app.name.clone()));
    let journals = Journals::new(config.apps.keys().cloned());
    let (key_limit, sign_limit) = (rate_limit(env, KEY_LIMIT), rate_limit(env, SIGN_LIMIT));
    let analytics = binding(env, ANALYTICS).filter(|_| {
        let fix = "bind a dataset in wrangler.toml under [[analytics_engine_datasets]]";
        has_method(env, ANALYTICS, "writeDataPoint", "no dataset", fix)
    });
    let (holders, asked_again) = (RefCell::default(), RefCell::default());
    Centre { config, shelves, journals, holders, asked_again, key_limit, sign_limit, analytics }
}

fn binding(env: &Env, name: &str) -> Option<JsValue> {
    let value = Reflect::get(env.as_ref(), &JsValue::from_str(name)).ok()?;
    (!value.is_undefined() && !value.is_null()).then_some(value)
}

/// An optional rate limit.
fn rate_limit(env: &Env, name: &str) -> Option<JsValue> {
    let fix = "bind one in wrangler.toml under [[ratelimits]]";
    let bound = has_method(env, name, "limit", "no rate limit", fix);
    binding(env, name).filter(|_| bound)
}

/// Whether an optional binding is there, and is what it should be. What is something else is said to be so.
fn has_method(env: &Env, name: &str, method: &str, problem: &str, fix: &str) -> bool {
    let Some(value) = binding(env, name) else { return false };
    let sound = Reflect::get(&value, &JsValue::from_str(method)).is_ok_and(|method| method.is_function());
    if !sound {
        let detail = format!("{name} is {problem}: {fix}, or leave it out.");
        log::error("misconfigured", json!({"setting": name, "detail": detail}));
    }
    sound
}

/// A var or secret that is a text. One that is something else is given as JSON: whoever reads it finds that it is wrong.
fn text(env: &Env, name: &str) -> Option<String> {
    let value = binding(env, name)?;
    value.as_string().or_else(|| JSON::stringify(&value).ok()?.as_string())
}

/// A var that is a table; one that was given as JSON text counts too.
fn json(env: &Env, name: &str) -> Option<Json> {
    let value = binding(env, name)?;
    let text = value.as_string().or_else(|| JSON::stringify(&value).ok()?.as_string())?;
    Some(zhongkong_core::json::tree(&text).unwrap_or(Json::String(text)))
}
