//! The fast path answers exactly what the ordinary path would have answered, and leaves the same behind.

mod steps;

use super::*;
use crate::access::Scope;
use crate::app::AppName;
use crate::audit::Sending;
use crate::config::Raw;
use crate::credential::{Value, Version};
use crate::facade::admit::by_key;
use crate::memory::Hit;
use crate::secret::Secret;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::json;
use std::collections::BTreeMap;
use steps::{Step, steps};

const T0_MS: u64 = 1_800_000_000_000;

fn key(caller: &str) -> String {
    format!("k3y-of-{caller}-0123456789abcdef-0123456")
}

/// Two apps, one of them faulty, and callers with every kind of right; one of them a page, where `pages` says so.
fn config(history: &str, pages: bool) -> Config {
    let secret = |name: &str| {
        let value = match name {
            "APP_SECRET_SHOP" | "APP_SECRET_OTHER" => "app5ecret0123456789abcdef0123456".to_owned(),
            "SEAL_KEY" => "Y2FuYXJ5LXNlYWwta2V5LTAxMjM0NTY3ODlhYmNkZWY=".to_owned(),
            "HISTORY" => history.to_owned(),
            _ => key(&name.strip_prefix("CALLER_KEY_")?.to_ascii_lowercase()),
        };
        (!name.ends_with("_NEXT")).then(|| Secret::new(value))
    };
    let mut callers = json!({
        "all": {"apps": ["*"], "scopes": ["token", "ticket", "sign", "refresh", "proxy", "status", "admin"]},
        "token": {"apps": ["shop"], "scopes": ["token"]},
        "proxy": {"apps": ["shop"], "scopes": ["proxy"]},
        "sign": {"apps": ["shop"], "scopes": ["sign", "ticket"], "ips": ["203.0.113.0/24"]},
    });
    if pages {
        callers["page"] =
            json!({"apps": ["shop"], "scopes": ["sign"], "origins": ["https://shop.example.com"]});
    }
    let config = Config::read(&Raw {
        apps: Some(json!({
            "shop": {"appid": "wx0123456789abcdef", "tickets": ["jsapi"], "sign_hosts": ["shop.example.com"]},
            "other": {"appid": "wx0123456789abcdee", "tickets": ["jsapi", "wx_card"]},
            "faulty": {"appid": "nonsense"},
        })),
        callers: Some(callers),
        store: None,
        secret: &secret,
        to_ascii: &|_| None,
        has_tokens: true,
        has_db: false,
        has_keeper: true,
        has_scheduler: true,
    });
    assert_eq!(config.ready_apps().count(), 2, "{:?}", config.faults);
    config
}

/// What a request comes to without I/O.
#[derive(Debug, PartialEq)]
enum Came {
    /// Answered, with what is to be done beside it.
    Body { text: String, wake: bool, sending: Option<Sending> },
    /// A refusal, or I/O is needed.
    Otherwise,
}

/// The ordinary path, as far as it goes without I/O: the steps of the Worker's router, its handlers and its façade.
fn ordinary(config: &Config, memory: &mut Memory, head: &Head<'_>, now_ms: u64) -> Came {
    match Target::of_request(head.path(), head.query()) {
        Some(Target::Token) => facade_token(config, memory, head, now_ms),
        Some(_) => Came::Otherwise,
        None => native_read(config, memory, head, now_ms),
    }
}

fn native_read(config: &Config, memory: &mut Memory, head: &Head<'_>, now_ms: u64) -> Came {
    let Ok(Admission::Granted(granted)) = admit(config, head, || None) else { return Came::Otherwise };
    let Some(Ok(ready)) = granted.app.map(|app| ready(config, app)) else { return Came::Otherwise };
    let now = UnixTime::from_millis(now_ms);
    let (credential, min_ttl_s, page) = match granted.route {
        Route::Read(_, credential) => match min_ttl_s(head.query()) {
            Ok(min_ttl_s) => (credential, min_ttl_s, None),
            Err(_) => return Came::Otherwise,
        },
        Route::Signature(_) if head.method == "GET" => match page_url(head.query()) {
            Ok(url) => (Credential::Ticket(TicketType::Jsapi), 0, Some(url)),
            Err(_) => return Came::Otherwise,
        },
        _ => return Came::Otherwise,
    };
    let Ok(page) = page.as_deref().map(|url| signable(&ready.app, url)).transpose() else {
        return Came::Otherwise;
    };
    if !ready.app.credentials().any(|kept| kept == credential) {
        return Came::Otherwise;
    }
    let Some(Hit { record, wake }) = memory.read(ready, credential, min_ttl_s, now_ms) else {
        return Came::Otherwise;
    };
    let text = match &page {
        None => bodies::credential(Surface::Native, credential, &record, now),
        Some(page) => bodies::signature(&ready.app, &record, page, now.as_secs(), &nonce(RANDOM)),
    };
    let outcome = Outcome::of_version(record.version);
    let asked = Asked::by(Some(&granted.route));
    let caller = Some(granted.caller.name.as_str());
    let sending = memory.audit.note(config, &asked, caller, head.ip, &outcome, now_ms);
    Came::Body { text, wake, sending }
}

fn facade_token(config: &Config, memory: &mut Memory, head: &Head<'_>, now_ms: u64) -> Came {
    if head.url.len() > MAX_URL_BYTES || head.method != "GET" {
        return Came::Otherwise;
    }
    let Ok(fields) = Fields::read(head.query().unwrap_or_default(), b"") else { return Came::Otherwise };
    let Ok((appid, key)) = app_and_key(&fields) else { return Came::Otherwise };
    let Some(found) = by_key(config, key, appid, &TOKEN_SCOPES, head.ip) else { return Came::Otherwise };
    let (Ok(ready), caller) = (found.ready, found.caller) else { return Came::Otherwise };
    if !caller.scopes.contains(&Scope::Token) {
        return Came::Otherwise;
    }
    let credential = Credential::AccessToken;
    let Some(Hit { record, wake }) = memory.read(ready, credential, 0, now_ms) else {
        return Came::Otherwise;
    };
    let app = &ready.app.name;
    if memory.repeat_reads.note(&caller.name, app, record.version, now_ms) {
        // A report: the Keeper is asked.
        return Came::Otherwise;
    }
    memory.handed_out(app, &record, now_ms);
    let text = bodies::credential(Surface::Facade, credential, &record, UnixTime::from_millis(now_ms));
    let asked = Asked { action: Action::Read, credential: Some(credential), app: Some(app.as_str()) };
    let outcome = Outcome::of_version(record.version);
    let sending = memory.audit.note(config, &asked, Some(&caller.name), head.ip, &outcome, now_ms);
    Came::Body { text, wake, sending }
}

const RANDOM: [u8; NONCE_CHARS] = [7; NONCE_CHARS];

fn text_of(answer: &Answer, now_ms: u64) -> String {
    match answer {
        Answer::Body(text) => text.clone(),
        Answer::Credential(surface, _, credential, record) => {
            bodies::credential(*surface, *credential, record, UnixTime::from_millis(now_ms))
        }
    }
}

/// Compares both paths over one request; says whether the fast path has answered.
fn compare(config: &Config, memory: &mut Memory, head: &Head<'_>, now_ms: u64) -> bool {
    let before = format!("{memory:?}");
    let mut by_ordinary = memory.clone();
    let came = ordinary(config, &mut by_ordinary, head, now_ms);
    match answer(config, memory, head, now_ms, || RANDOM) {
        Some(answer) => {
            let text = text_of(&answer, now_ms);
            assert_eq!(came, Came::Body { text, wake: false, sending: None });
            assert_eq!(format!("{memory:?}"), format!("{by_ordinary:?}"), "the same is left behind");
            true
        }
        None => {
            assert_eq!(format!("{memory:?}"), before, "a request that is declined leaves no trace");
            // The ordinary path answers then.
            *memory = by_ordinary;
            false
        }
    }
}

fn record(config: &Config, app: &str, version: u64, life: (u64, u64, u64)) -> Rc<Record> {
    let ready = config.ready_apps().find(|ready| ready.app.name.as_str() == app).unwrap();
    let at = |seconds| UnixTime::from_secs(T0_MS / 1000 + seconds);
    let (refresh, trust, expires) = life;
    Rc::new(Record {
        version: Version::new(version),
        value: Value::parse(&format!("87_{app}-{version}")).unwrap(),
        refresh_at: at(refresh),
        trust_until: at(trust),
        expires_at: at(expires),
        identity: ready.identity,
    })
}

/// Goes through the steps; says how many requests the fast path has answered.
fn play(config: &Config, steps: Vec<(u64, Step)>) -> usize {
    let (mut memory, mut now_ms, mut fast) = (Memory::default(), T0_MS, 0);
    let (name, mut stored) = (|app| AppName::parse(app).unwrap(), BTreeMap::new());
    for (pause_ms, step) in steps {
        now_ms += pause_ms;
        match step {
            Step::Put { app, credential, version, life } => {
                let record = record(config, app, version, life);
                memory.cache.entry(&name(app), credential).put(Rc::clone(&record), now_ms);
                stored.insert((app, credential), record);
            }
            Step::Checked => {
                for ((app, credential), record) in &stored {
                    memory.cache.entry(&name(app), *credential).reconcile(Record::clone(record), now_ms);
                }
            }
            Step::Invalidate { app, credential, version } => {
                memory.cache.entry(&name(app), credential).invalidate_up_to(Version::new(version));
            }
            Step::Sent { app } => drop(memory.audit.of(Some(&name(app))).take(now_ms)),
            Step::Ask { method, url, authorization, ip } => {
                let ip = ip.map(|ip| ip.parse().unwrap());
                let head = Head { method, url: &url, authorization: &authorization, ip };
                fast += usize::from(compare(config, &mut memory, &head, now_ms));
            }
        }
    }
    fast
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Over any requests, callers, copies and clocks.
    #[test]
    fn it_answers_what_the_ordinary_path_would_have(steps in steps(), all: bool, pages: bool) {
        play(&config(if all { "all" } else { "changes" }, pages), steps);
    }
}

/// The property says nothing where the fast path declines everything.
#[test]
fn the_property_is_about_requests_of_which_many_are_answered() {
    let mut runner = TestRunner::deterministic();
    let (mut asked, mut answered) = (0, 0);
    for _ in 0..200 {
        let steps = steps().new_tree(&mut runner).unwrap().current();
        asked += steps.iter().filter(|(_, step)| matches!(step, Step::Ask { .. })).count();
        answered += play(&config("all", false), steps);
    }
    assert!(answered * 20 > asked, "{answered} of {asked}");
}

fn get<'r>(url: &'r str, authorization: &'r str) -> Head<'r> {
    Head { method: "GET", url, authorization, ip: None }
}

/// A memory in which the app's token and ticket can be served, with a sending of the audit planned.
fn warm(config: &Config, caller: &str) -> Memory {
    let mut memory = Memory::default();
    let shop = AppName::parse("shop").unwrap();
    for credential in [Credential::AccessToken, Credential::Ticket(TicketType::Jsapi)] {
        memory.cache.entry(&shop, credential).put(record(config, "shop", 7, (5000, 5500, 7000)), T0_MS);
    }
    let authorization = format!("Bearer {}", key(caller));
    let head = get("https://host/v1/apps/shop/access_token", &authorization);
    assert!(!compare(config, &mut memory, &head, T0_MS), "the first line of the audit has to be sent");
    memory
}

#[test]
fn what_it_is_there_for_is_answered() {
    let config = config("all", false);
    let mut memory = warm(&config, "all");
    let authorization = format!("Bearer {}", key("all"));
    let facade = format!(
        "https://host/cgi-bin/token?grant_type=client_credential&appid=wx0123456789abcdef&secret={}",
        key("all")
    );
    for (pause_ms, url) in [
        (1, "https://host/v1/apps/shop/access_token"),
        (2, "https://host/v1/apps/shop/access_token?min_ttl=60"),
        (3, "https://host/v1/apps/shop/tickets/jsapi"),
        (4, "https://host/v1/apps/shop/signature?url=https%3A%2F%2Fshop.example.com%2F"),
        (5, facade.as_str()),
    ] {
        assert!(compare(&config, &mut memory, &get(url, &authorization), T0_MS + pause_ms), "{url}");
    }
    assert!(!compare(&config, &mut memory, &get(&facade, ""), T0_MS + 6), "asked twice: a report");
}

#[test]
fn what_needs_more_is_declined() {
    let (shop, authorization) = (AppName::parse("shop").unwrap(), format!("Bearer {}", key("all")));
    let token = get("https://host/v1/apps/shop/access_token", &authorization);
    let plain = config("all", false);
    let mut due = warm(&plain, "all");
    due.cache.entry(&shop, Credential::AccessToken).put(record(&plain, "shop", 7, (0, 5500, 7000)), T0_MS);
    assert!(!compare(&plain, &mut due, &token, T0_MS + 1), "a Keeper that is to be woken");
    assert!(compare(&plain, &mut due, &token, T0_MS + 2), "and was woken by the ordinary path");
    let mut stale = warm(&plain, "all");
    assert!(compare(&plain, &mut stale, &token, T0_MS + 4_999));
    assert!(!compare(&plain, &mut stale, &token, T0_MS + 5_000), "a copy that has to be checked");
    let mut unsent = warm(&plain, "all");
    drop(unsent.audit.of(Some(&shop)).take(T0_MS + 1));
    assert!(!compare(&plain, &mut unsent, &token, T0_MS + 1), "a sending that has to be started");
    assert!(!compare(&plain, &mut Memory::default(), &token, T0_MS), "nothing is known");
    let signature =
        get("https://host/v1/apps/shop/signature?url=https%3A%2F%2Fshop.example.com%2F", &authorization);
    let pages = config("all", true);
    assert!(!compare(&pages, &mut warm(&pages, "all"), &signature, T0_MS + 1), "headers for a browser");
    assert!(compare(&pages, &mut warm(&pages, "all"), &token, T0_MS + 1));
}
