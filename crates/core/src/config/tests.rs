//! The table "wrong configuration → what the operator reads".

use super::*;
use crate::access::Scope;
use crate::app::TokenApi;
use serde_json::json;

const KEY: &str = "k3y-of-web-0123456789abcdef-0123";
pub(super) const SECRET: &str = "canary5ecret0123456789abcdef0123";

/// A configuration without a fault, to be spoilt by the tests.
pub(crate) struct Setup {
    apps: Json,
    callers: Json,
    secrets: Vec<(&'static str, String)>,
    store: Option<String>,
    has_tokens: bool,
    has_db: bool,
    has_keeper: bool,
    has_scheduler: bool,
}

pub(crate) fn setup() -> Setup {
    Setup {
        apps: json!({
            "shop": {"appid": "wx0123456789abcdef"},
            "my-mini": {"appid": "wx0123456789abcdee", "platform": "mini", "token_api": "plain"}
        }),
        callers: json!({"web": {"apps": ["shop"], "scopes": ["token", "sign"]}}),
        secrets: vec![
            ("APP_SECRET_SHOP", SECRET.to_owned()),
            ("APP_SECRET_MY_MINI", SECRET.to_owned()),
            ("CALLER_KEY_WEB", KEY.to_owned()),
            ("SEAL_KEY", crate::seal::tests::key(1).expose().to_owned()),
        ],
        store: None,
        has_tokens: true,
        has_db: false,
        has_keeper: true,
        has_scheduler: true,
    }
}

impl Setup {
    fn app(mut self, field: &str, value: Json) -> Self {
        self.apps["shop"][field] = value;
        self
    }

    fn caller(mut self, field: &str, value: Json) -> Self {
        self.callers["web"][field] = value;
        self
    }

    pub(super) fn secret(mut self, name: &'static str, value: Option<&str>) -> Self {
        self.secrets.retain(|(known, _)| *known != name);
        self.secrets.extend(value.map(|value| (name, value.to_owned())));
        self
    }

    pub(crate) fn read(self) -> Config {
        let secrets = self.secrets;
        let lookup = |name: &str| {
            secrets.iter().find(|(known, _)| *known == name).map(|(_, value)| Secret::new(value.clone()))
        };
        Config::read(&Raw {
            apps: Some(self.apps).filter(|json| !json.is_null()),
            callers: Some(self.callers).filter(|json| !json.is_null()),
            store: self.store,
            secret: &lookup,
            to_ascii: &|host| (host == "例子.中国").then(|| "xn--fsqu00a.xn--fiqs8s".to_owned()),
            has_tokens: self.has_tokens,
            has_db: self.has_db,
            has_keeper: self.has_keeper,
            has_scheduler: self.has_scheduler,
        })
    }
}

fn name(text: &str) -> AppName {
    AppName::parse(text).unwrap()
}

#[test]
fn hosts_that_a_worker_cannot_reach_are_faults() {
    for host in ["https://203.0.113.7", "https://0x7f.1", "https://3405803783", "https://1.2.3.4:8443"] {
        let config = setup().app("api_hosts", json!([host])).read();
        let [fault] = &config.faults[..] else { panic!("{host}: {:?}", config.faults) };
        assert!(fault.to_string().contains("reaches host names only (error 1003)"), "{fault}");
    }
    for host in [
        "https://relay7.example.com",
        "https://x.7x",
        "http://127.0.0.1:8788",
        "https://127.0.0.1",
        "https://xn--fsqu00a.cn",
    ] {
        assert_eq!(setup().app("api_hosts", json!([host])).read().faults, [], "{host}");
    }
    let config = setup().secret("ALERT_WEBHOOK", Some("https://203.0.113.7./hook")).read();
    assert!(config.faults.iter().any(|fault| fault.setting == "ALERT_WEBHOOK"));
}

#[test]
fn hosts_in_other_scripts_are_read() {
    let config = setup().app("sign_hosts", json!(["例子.中国", "*.例子.中国"])).read();
    assert_eq!(config.faults, []);
    let AppEntry::Ready(shop) = &config.apps[&name("shop")] else { panic!("it is sound") };
    let shown: Vec<String> = shop.app.sign_hosts.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["xn--fsqu00a.xn--fiqs8s", "*.xn--fsqu00a.xn--fiqs8s"]);
    assert_eq!(setup().app("sign_hosts", json!(["不知.中国"])).read().faults.len(), 1);
}

#[test]
fn a_sound_configuration_has_no_fault_and_the_documented_defaults() {
    let config = setup().read();
    assert_eq!(config.faults, []);
    let [mini, shop] = &config.ready_apps().collect::<Vec<_>>()[..] else { panic!("two apps") };
    assert_eq!(shop.app.token_api, TokenApi::Stable);
    assert_eq!(
        shop.app.credentials().map(super::super::credential::Credential::name).collect::<Vec<_>>(),
        ["access_token", "jsapi"]
    );
    assert_eq!(shop.app.api_hosts, ["https://api.weixin.qq.com", "https://api2.weixin.qq.com"]);
    let written = json!([
        "https://API.Weixin.qq.com:443/",
        "https://api2.weixin.qq.com.",
        "http://localhost:80",
        "https://relay.example.com:8443"
    ]);
    let config = setup().app("api_hosts", written).read();
    let AppEntry::Ready(shop) = &config.apps[&name("shop")] else { panic!("{:?}", config.faults) };
    assert_eq!(
        shop.app.api_hosts,
        [
            "https://api.weixin.qq.com",
            "https://api2.weixin.qq.com",
            "http://localhost",
            "https://relay.example.com:8443"
        ]
    );
    assert_eq!(mini.app.token_api, TokenApi::Plain { lead_s: 1800, daily_limit: 2000 });
    assert!(mini.app.tickets.is_empty());
    let web = config.callers.holder_of(&Secret::new(KEY.to_owned())).unwrap();
    assert!(web.may(Scope::Token, &name("shop"), None) && !web.may(Scope::Token, &name("my-mini"), None));
}

/// What the operator reads for each wrong setting. No row shows a value.
#[test]
fn what_the_operator_reads() {
    let many_a = "a".repeat(40);
    let rows: Vec<(Setup, &str)> = vec![
        (
            Setup { apps: Json::Null, ..setup() }.caller("apps", json!(["*"])),
            "APPS is missing: add a table [vars.APPS.shop] to wrangler.toml.",
        ),
        (
            Setup { apps: json!({}), ..setup() }.caller("apps", json!(["*"])),
            "APPS is empty: add a table [vars.APPS.shop] to wrangler.toml.",
        ),
        (
            Setup { apps: json!("x"), ..setup() }.caller("apps", json!(["*"])),
            "APPS is not a table: write it as [vars.APPS.shop].",
        ),
        (
            Setup { apps: json!({"Shop": {}}), ..setup() }.caller("apps", json!(["*"])),
            "APPS (an entry) has a name that cannot be used: names are 1 to 32 of a-z, 0-9 and -.",
        ),
        (
            setup().app("appid", json!("gh_0123456789ab")),
            "APPS.shop.appid is no appid: this is the original id (原始ID); the appid (AppID) begins with wx.",
        ),
        (
            setup().app("appid", json!("WX0123456789ABCDEF")),
            "APPS.shop.appid is no appid: it is wx and 16 characters of 0-9 and a-z, as in the account's console.",
        ),
        (
            setup().app("appid", json!("wx0123456789abcdee")),
            "APPS.my-mini.appid is also the appid of APPS.shop: keep one of the two: two apps of one account refresh each other's token away.",
        ),
        (
            setup().app("platform", json!("minigame")),
            "APPS.shop.platform is not one of the known words: use \"official\" or \"mini\".",
        ),
        (
            setup().app("token_api", json!("both")),
            "APPS.shop.token_api is not one of the known words: use \"stable\" or \"plain\".",
        ),
        (
            setup().app("refresh_lead_s", json!(1800)),
            "APPS.shop.refresh_lead_s means nothing with token_api = \"stable\": leave it out: the stable API gives a new token in the last 300 s only.",
        ),
        (
            setup().app("token_api", json!("plain")).app("refresh_lead_s", json!(100)),
            "APPS.shop.refresh_lead_s is out of range: give a whole number from 200 to 7000.",
        ),
        (
            setup().app("daily_limit", json!(200)),
            "APPS.shop.daily_limit means nothing with token_api = \"stable\": leave it out: the stable API has 500,000 calls a day.",
        ),
        (
            setup().app("token_api", json!("plain")).app("daily_limit", json!(0)),
            "APPS.shop.daily_limit is out of range: give a whole number from 50 to 1000000.",
        ),
        (
            setup().app("tickets", json!(["jsapi", "card"])),
            "APPS.shop.tickets[1] is not understood: known are \"jsapi\", \"wx_card\" and \"sdk\".",
        ),
        (
            setup().app("tickets", json!("jsapi")),
            "APPS.shop.tickets is not a list: write it as [\"…\", \"…\"].",
        ),
        (
            setup().app("tickets", json!(["jsapi", "jsapi"])),
            "APPS.shop.tickets[1] is there twice: leave one out.",
        ),
        (
            setup().app("api_hosts", json!(["http://api.weixin.qq.com"])),
            "APPS.shop.api_hosts[0] is not understood: give origins such as \"https://api.weixin.qq.com\": https, a host, perhaps a port, no path.",
        ),
        (
            setup().app("api_hosts", json!([])),
            "APPS.shop.api_hosts is empty: name at least one, or leave it out for WeChat's own.",
        ),
        (
            setup().app("sign_hosts", json!(["https://shop.example.com"])),
            "APPS.shop.sign_hosts[0] is not understood: give host names such as \"shop.example.com\" or \"*.example.com\", without https:// and path.",
        ),
        (
            setup().app("token_apii", json!("stable")),
            "APPS.shop.token_apii is no setting: known are appid, platform, token_api, tickets, api_hosts, sign_hosts, refresh_lead_s, daily_limit, real_token.",
        ),
        (
            setup().app("secret", json!(SECRET)),
            "APPS.shop.secret is no setting: secrets do not belong into wrangler.toml: use `wrangler secret put`, and change this one, because it has been in a file.",
        ),
        (setup().app("appid", json!(17)), "APPS.shop.appid is not a text: put it in quotes."),
        (
            setup().secret("APP_SECRET_SHOP", None),
            "APP_SECRET_SHOP is missing: store the AppSecret with `wrangler secret put APP_SECRET_SHOP`.",
        ),
        (
            setup().secret("APP_SECRET_SHOP", Some(&format!("{SECRET}\n"))),
            "APP_SECRET_SHOP holds white space or other odd characters: copy the AppSecret, 32 characters, and store it with `wrangler secret put APP_SECRET_SHOP`.",
        ),
        (
            setup().secret("APP_SECRET_SHOP", Some("canary")),
            "APP_SECRET_SHOP has not the length of an AppSecret: copy the AppSecret, 32 characters, and store it with `wrangler secret put APP_SECRET_SHOP`.",
        ),
        (
            Setup { callers: Json::Null, ..setup() },
            "CALLERS is missing: add a table [vars.CALLERS.web] to wrangler.toml.",
        ),
        (
            setup().caller("apps", json!(["shop", "shpo"])),
            "CALLERS.web.apps[1] is not understood: name a table of [vars.APPS], or give [\"*\"].",
        ),
        (
            setup().caller("scopes", json!(["token", "tokens"])),
            "CALLERS.web.scopes[1] is not understood: known are token, ticket, sign, refresh, proxy, status, admin.",
        ),
        (
            setup().caller("ips", json!(["203.0.113.0/33"])),
            "CALLERS.web.ips[0] is not understood: give addresses or ranges such as \"203.0.113.7\", \"203.0.113.0/24\" or \"2001:db8::/32\".",
        ),
        (
            setup().secret("CALLER_KEY_WEB", None),
            "CALLER_KEY_WEB is missing: make one with `npm run new-key` and store it with `wrangler secret put`.",
        ),
        (
            setup().secret("CALLER_KEY_WEB", Some("canary-0123456789abcdef")),
            "CALLER_KEY_WEB is shorter than 32 characters: make one with `npm run new-key` and store it with `wrangler secret put`.",
        ),
        (
            setup().secret("CALLER_KEY_WEB_NEXT", Some(&many_a)),
            "CALLER_KEY_WEB_NEXT is too easy to guess: make one with `npm run new-key` and store it with `wrangler secret put`.",
        ),
        (
            setup().secret("SEAL_KEY", None),
            "SEAL_KEY is missing: 32 random bytes in base64: make them with `openssl rand -base64 32` and store them with `wrangler secret put`.",
        ),
        (
            setup().secret("SEAL_KEY", Some("canary")),
            "SEAL_KEY is not a key of 32 bytes: 32 random bytes in base64: make them with `openssl rand -base64 32` and store them with `wrangler secret put`.",
        ),
        (
            setup().secret("SEAL_KEY", Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")),
            "SEAL_KEY is one byte repeated 32 times: a placeholder, which anybody may guess: 32 random bytes in base64: make them with `openssl rand -base64 32` and store them with `wrangler secret put`.",
        ),
        (
            setup().secret("SEAL_KEY_PREVIOUS", Some("canary")),
            "SEAL_KEY_PREVIOUS is not a key of 32 bytes: give the SEAL_KEY from before, or delete it with `wrangler secret delete`.",
        ),
        (
            setup().secret("GATEWAY_KEY", Some("canary")),
            "GATEWAY_KEY is shorter than 32 characters: make one with `npm run new-key` and store it with `wrangler secret put`.",
        ),
        (
            Setup { store: Some("redis".to_owned()), ..setup() },
            "STORE is no store: use \"kv\", \"d1\" or \"memory\", or leave it out for \"kv\".",
        ),
        (
            Setup { has_tokens: false, ..setup() },
            "TOKENS is not bound: bind a KV namespace as TOKENS in wrangler.toml.",
        ),
        (
            Setup { store: Some("d1".to_owned()), ..setup() },
            "DB is not bound: bind a D1 database as DB in wrangler.toml, and make its table with `wrangler d1 migrations apply DB --remote`.",
        ),
        (
            Setup { has_keeper: false, ..setup() },
            "KEEPER is not bound: bind the Durable Object class Keeper as KEEPER in wrangler.toml, with its migration.",
        ),
        (
            Setup { has_scheduler: false, ..setup() },
            "SCHEDULER is not bound: bind the Durable Object class Scheduler as SCHEDULER in wrangler.toml, with its migration; until then the cron reads the records of all apps, the façade knows no real tokens, and faults are not alerted of.",
        ),
    ];
    for (setup, expected) in rows {
        let faults: Vec<String> = setup.read().faults.iter().map(ToString::to_string).collect();
        assert_eq!(faults, [expected]);
        assert!(!expected.contains("canary"));
    }
}

#[test]
fn every_fault_is_listed_at_once() {
    let config = setup()
        .app("appid", json!("x"))
        .app("tickets", json!(["a", "b"]))
        .secret("APP_SECRET_SHOP", None)
        .secret("SEAL_KEY", None)
        .caller("scopes", json!(["x"]))
        .read();
    assert_eq!(config.faults.len(), 6, "{:#?}", config.faults);
    assert_eq!(config.fatal().count(), 1);
}

#[test]
fn a_fault_in_one_app_leaves_the_others_working() {
    let config = setup().app("appid", json!("x")).read();
    assert_eq!(config.ready_apps().map(|ready| ready.app.name.as_str()).collect::<Vec<_>>(), ["my-mini"]);
    assert_eq!(config.fatal().count(), 0);
    let AppEntry::Faulty(faults) = &config.apps[&name("shop")] else { panic!("faulty") };
    assert_eq!(faults.len(), 1);
}

/// The name of the new one sorts before, between and behind the others.
#[test]
fn a_second_app_with_an_appid_leaves_the_first_working() {
    for (new, secret) in [("aaa", "APP_SECRET_AAA"), ("news", "APP_SECRET_NEWS"), ("zzz", "APP_SECRET_ZZZ")] {
        let mut double = setup();
        double.apps[new] = double.apps["shop"].clone();
        let config = double.secret(secret, Some(SECRET)).read();
        let working: Vec<&str> = config.ready_apps().map(|ready| ready.app.name.as_str()).collect();
        assert_eq!(working, ["my-mini", "shop"], "{new}");
        assert!(matches!(&config.apps[&name(new)], AppEntry::Faulty(faults) if faults.len() == 1));
        assert_eq!(config.app_of("wx0123456789abcdef"), Some(&name("shop")));
    }
    // One that does not work gives way, wherever it stands.
    let mut double = setup();
    double.apps["aaa"] = double.apps["shop"].clone();
    double.apps["shop"]["tickets"] = json!(["x"]);
    let config = double.secret("APP_SECRET_AAA", Some(SECRET)).read();
    assert!(matches!(&config.apps[&name("aaa")], AppEntry::Ready(_)));
    assert_eq!(config.app_of("wx0123456789abcdef"), Some(&name("aaa")));
}

/// A fault takes rights away or leaves them as they are; it never gives any.
#[test]
fn faults_never_widen_what_a_caller_may_do() {
    let holder = |setup: Setup| setup.read().callers.holder_of(&Secret::new(KEY.to_owned())).cloned();
    for ips in [
        json!(["203.0.113.0/33"]),
        json!(["::ffff:203.0.113.0/120"]),
        json!(["203.0.113.1", "x"]),
        json!("203.0.113.1"),
        json!([]),
    ] {
        assert!(holder(setup().caller("ips", ips)).is_none());
    }
    for misspelt in ["ip", "IPs", "allow_ips", "origin"] {
        assert!(holder(setup().caller(misspelt, json!(["203.0.113.1"]))).is_none(), "{misspelt}");
    }
    assert!(holder(setup().caller("origins", json!(["https://a.example"]))).is_none());
    let web = holder(setup().caller("scopes", json!(["token", "x"]))).unwrap();
    assert_eq!(web.scopes, [Scope::Token]);
    let web = holder(setup().caller("apps", json!(["nope"]))).unwrap();
    assert!(!web.may(Scope::Token, &name("shop"), None));
    let web = holder(setup().secret("CALLER_KEY_WEB_NEXT", Some("short"))).unwrap();
    assert_eq!(web.keys.len(), 1);
}

#[test]
fn two_callers_cannot_share_a_key() {
    let mut twins = setup().secret("CALLER_KEY_WEC", Some(KEY));
    twins.callers["wec"] = json!({"apps": ["*"], "scopes": ["admin"]});
    let config = twins.read();
    let settings: Vec<&str> = config.faults.iter().map(|fault| fault.setting.as_str()).collect();
    assert_eq!(settings, ["CALLER_KEY_WEB", "CALLER_KEY_WEC"]);
    assert!(config.callers.holder_of(&Secret::new(KEY.to_owned())).is_none(), "nobody knows whose it is");
}

#[test]
fn the_key_of_web_next_does_not_open_what_web_may() {
    let other = "another-key-0123456789abcdef-0123";
    let mut both = setup().secret("CALLER_KEY_WEB_NEXT", Some(other));
    both.callers["web-next"] = json!({"apps": ["shop"], "scopes": ["status"]});
    let config = both.read();
    assert_eq!(config.faults[0].setting, "CALLERS.web-next");
    assert!(config.callers.holder_of(&Secret::new(other.to_owned())).is_none());
    assert!(config.callers.holder_of(&Secret::new(KEY.to_owned())).is_some());
}

#[test]
fn a_store_needs_its_own_binding_only() {
    let bare = || Setup { has_tokens: false, ..setup() };
    for (text, has_db, kind) in [("d1", true, StoreKind::D1), ("memory", false, StoreKind::Memory)] {
        let config = Setup { store: Some(text.to_owned()), has_db, ..bare() }.read();
        assert_eq!((config.faults.len(), config.store), (0, kind), "{text}");
    }
}
