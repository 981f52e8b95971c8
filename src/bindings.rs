//! The only place that reads raw bindings. It gives back a [`Centre`], checked whole, once for each
//! isolate: a change of bindings is a new deployment, and that comes with new isolates.

use crate::journals::Journals;
use crate::runtime::Env;
use crate::shelf::Shelves;
use crate::{glue, log};
use serde_json::Value as Json;
use std::cell::{OnceCell, RefCell};
use std::rc::Rc;
use wasm_bindgen::JsValue;
use zhongkong_core::config::{Config, Raw};
use zhongkong_core::facade::{AskedAgain, Holders};
use zhongkong_core::secret::Secret;

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
    binding(env, "TOKENS", "get")
}

/// The database that credentials are published to with `STORE = "d1"`.
pub(crate) fn db(env: &Env) -> Option<JsValue> {
    binding(env, "DB", "prepare")
}

/// The namespace of the Keepers, and of their roster.
pub(crate) fn keepers(env: &Env) -> Option<JsValue> {
    binding(env, "KEEPER", "getByName")
}

fn read(env: &Env) -> Centre {
    let secret = |name: &str| text(env, name).map(Secret::new);
    let config = Config::read(&Raw {
        apps: json(env, "APPS"),
        callers: json(env, "CALLERS"),
        store: text(env, "STORE"),
        secret: &secret,
        has_tokens: tokens(env).is_some(),
        has_db: db(env).is_some(),
        has_keeper: keepers(env).is_some(),
    });
    log::set_level(config.log_level);
    for fault in &config.faults {
        log::error("misconfigured", &[("setting", &fault.setting), ("detail", &fault.to_string())]);
    }
    let shelves = Shelves::new(config.ready_apps().map(|ready| ready.app.name.clone()));
    let journals = Journals::new(config.apps.keys().cloned());
    let rate_limit =
        |name| optional(env, name, "limit", "no rate limit: bind one in wrangler.toml under [[ratelimits]]");
    let (key_limit, sign_limit) = (rate_limit("KEY_LIMIT"), rate_limit("SIGN_LIMIT"));
    let fix = "no dataset: bind a dataset in wrangler.toml under [[analytics_engine_datasets]]";
    let analytics = optional(env, "ANALYTICS", "writeDataPoint", fix);
    let (holders, asked_again) = (RefCell::default(), RefCell::default());
    Centre { config, shelves, journals, holders, asked_again, key_limit, sign_limit, analytics }
}

/// What is bound under this name, and has the method of such a binding.
fn binding(env: &Env, name: &str, method: &str) -> Option<JsValue> {
    present(glue::binding(env.as_ref(), name, method))
}

/// An optional binding. What is there and is something else is said to be `wrong`.
fn optional(env: &Env, name: &str, method: &str, wrong: &str) -> Option<JsValue> {
    let bound = glue::binding(env.as_ref(), name, method);
    if bound.is_null() {
        let detail = format!("{name} is {wrong}, or leave it out.");
        log::error("misconfigured", &[("setting", &name), ("detail", &detail)]);
    }
    present(bound)
}

fn present(bound: JsValue) -> Option<JsValue> {
    (!bound.is_null_or_undefined()).then_some(bound)
}

/// A var or secret that is a text. One that is something else is given as JSON: whoever reads it finds that it is wrong.
fn text(env: &Env, name: &str) -> Option<String> {
    glue::setting(env.as_ref(), name)
}

/// A var that is a table; one that was given as JSON text counts too.
fn json(env: &Env, name: &str) -> Option<Json> {
    let text = glue::setting(env.as_ref(), name)?;
    Some(zhongkong_core::json::tree(&text).unwrap_or(Json::String(text)))
}
