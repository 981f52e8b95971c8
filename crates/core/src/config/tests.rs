//! Configurations that are sound, faulty in part, or as a whole.

use super::*;
use crate::access::Scope;
use crate::app::TokenApi;
use serde_json::json;

mod operator;

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
