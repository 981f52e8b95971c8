//! What a client of WeChat sees.

use super::*;
use crate::exchange::Delivery;
use crate::faults::{Fault, Kind, When};
use crate::knobs::{Confirm, Knobs};
use serde_json::{Value, json};

const APPID: &str = "wx0000000000000001";
const SECRET: &str = "demo0secret0for0the0simulator001";

struct Client {
    world: World,
    now: Millis,
}

impl Client {
    fn new() -> Self {
        Self { world: World::local(7), now: 1_800_000_000_000 }
    }

    fn send(&mut self, method: &str, path: &str, query: &str, body: &str) -> Value {
        serde_json::from_slice(&self.exchange(method, path, query, body).body).unwrap()
    }

    fn exchange(&mut self, method: &str, path: &str, query: &str, body: &str) -> Exchange {
        let ip = "203.0.113.9".parse().unwrap();
        let request = Request { method, host: "api.weixin.qq.com", path, query, body: body.as_bytes(), ip };
        self.world.exchange(self.now, &request)
    }

    fn knobs(&mut self) -> &mut Knobs {
        &mut self.world.accounts.get_mut(APPID).unwrap().knobs
    }

    fn token(&mut self) -> String {
        self.stable(false)["access_token"].as_str().unwrap().to_owned()
    }

    fn plain(&mut self) -> Value {
        let query = format!("grant_type=client_credential&appid={APPID}&secret={SECRET}");
        self.send("GET", "/cgi-bin/token", &query, "")
    }

    fn stable(&mut self, force: bool) -> Value {
        let body = json!({"grant_type": "client_credential", "appid": APPID, "secret": SECRET, "force_refresh": force});
        self.send("POST", "/cgi-bin/stable_token", "", &body.to_string())
    }

    fn check(&mut self, token: &Value) -> i64 {
        let query = format!("access_token={}", token.as_str().unwrap());
        self.send("GET", "/cgi-bin/getcallbackip", &query, "")["errcode"].as_i64().unwrap_or(0)
    }
}

#[test]
fn the_lanes_never_touch_each_other() {
    let mut client = Client::new();
    let stable = client.stable(false);
    assert_eq!(stable["expires_in"], 7200);
    for _ in 0..5 {
        client.plain();
    }
    assert_eq!(client.check(&stable["access_token"]), 0);
    client.now += 100_000;
    let again = client.stable(false);
    assert_eq!((&again["access_token"], &again["expires_in"]), (&stable["access_token"], &json!(7100)));
}

#[test]
fn a_rotated_token_is_40001_and_an_expired_one_42001() {
    let mut client = Client::new();
    let tokens: Vec<Value> = (0..3).map(|_| client.plain()["access_token"].clone()).collect();
    assert_eq!([0, 1, 2].map(|n| client.check(&tokens[n])), [40001, 0, 0]);
    client.now += 7_200_000;
    assert_eq!(client.check(&tokens[2]), 42001);
    assert_eq!(client.check(&json!("garbage")), 40001);
    assert_eq!(client.send("GET", "/cgi-bin/getcallbackip", "", "")["errcode"], 41001);
}

#[test]
fn every_wrong_argument_has_its_code() {
    let mut client = Client::new();
    let body = |appid: &str, secret: &str, grant: &str| {
        json!({"grant_type": grant, "appid": appid, "secret": secret}).to_string()
    };
    for (method, body, errcode) in [
        ("GET", body(APPID, SECRET, "client_credential"), 43002),
        ("POST", String::new(), 44002),
        ("POST", "{".to_owned(), 47001),
        ("POST", body("", SECRET, "client_credential"), 41002),
        ("POST", body(APPID, "", "client_credential"), 41004),
        ("POST", body(APPID, SECRET, "authorization_code"), 40002),
        ("POST", body("wx00", SECRET, "client_credential"), 40013),
        ("POST", body(APPID, "wrong", "client_credential"), 40125),
    ] {
        assert_eq!(client.send(method, "/cgi-bin/stable_token", "", &body)["errcode"], errcode);
    }
    assert_eq!(client.send("GET", "/cgi-bin/nope", "", "")["errcode"], 40066);
    assert_eq!(client.world.audit.entries().count(), 9);
}

#[test]
fn the_whitelist_names_the_address() {
    let mut client = Client::new();
    client.knobs().whitelist = Some(vec!["198.51.100.1".parse().unwrap()]);
    let refused = client.stable(false);
    assert_eq!(refused["errcode"], 40164);
    let text = refused["errmsg"].as_str().unwrap();
    assert!(
        text.starts_with("invalid ip 203.0.113.9 ipv6 ::ffff:203.0.113.9, not in whitelist rid: 6b49d200-"),
        "{text}"
    );
}

#[test]
fn tickets_need_a_live_token_and_claim_a_whole_life() {
    let mut client = Client::new();
    let token = client.stable(false)["access_token"].as_str().unwrap().to_owned();
    let ask = |client: &mut Client, kind: &str| {
        client.send("GET", "/cgi-bin/ticket/getticket", &format!("access_token={token}&type={kind}"), "")
    };
    let one = ask(&mut client, "jsapi");
    client.now += 3_600_000;
    assert_eq!(ask(&mut client, "jsapi"), one);
    assert_eq!((&one["errcode"], &one["expires_in"]), (&json!(0), &json!(7200)));
    assert_ne!(ask(&mut client, "wx_card")["ticket"], one["ticket"]);
    assert_eq!(ask(&mut client, "card")["errcode"], 40097);
    client.now += 3_600_000;
    assert_eq!(ask(&mut client, "jsapi")["errcode"], 42001);
}

#[test]
fn the_whitelist_has_three_texts_and_several_exits() {
    let mut client = Client::new();
    client.knobs().whitelist = Some(vec![]);
    client.knobs().seen_ips = vec!["198.51.100.1".parse().unwrap(), "198.51.100.2".parse().unwrap()];
    let texts: Vec<String> = [IpText::Rid, IpText::CommaRid, IpText::Hint]
        .into_iter()
        .map(|form| {
            client.knobs().ip_text = form;
            client.stable(false)["errmsg"].as_str().unwrap().to_owned()
        })
        .collect();
    assert!(texts[0].starts_with("invalid ip 198.51.100.1 ipv6 ::ffff:198.51.100.1, not in whitelist rid: "));
    assert!(
        texts[1].starts_with("invalid ip 198.51.100.2 ipv6 ::ffff:198.51.100.2, not in whitelist, rid: ")
    );
    assert!(texts[2].starts_with("invalid ip 198.51.100.1, not in whitelist hint: ["));
}

#[test]
fn the_administrator_approves_or_refuses() {
    let mut client = Client::new();
    let hour = 3_600_000;
    let start = client.now;
    for (confirm, later, errcode) in [
        (Confirm::Waiting, 0, json!(89503)),
        (Confirm::Refused(start), hour - 1, json!(89507)),
        (Confirm::Refused(start), hour, json!(89503)),
        (Confirm::RefusedAgain(start), 24 * hour - 1, json!(89506)),
        (Confirm::RefusedAgain(start), 24 * hour, json!(89503)),
        (Confirm::Approved, 0, Value::Null),
    ] {
        client.knobs().confirm = confirm;
        client.now = start + later;
        assert_eq!(client.stable(false)["errcode"], errcode, "{confirm:?}");
    }
}

#[test]
fn frozen_forbidden_and_busy_accounts() {
    let mut client = Client::new();
    client.knobs().frozen_until_ms = Some(client.now + 600_000);
    assert_eq!(client.stable(false)["errcode"], 40243);
    client.now += 600_000;
    assert_eq!(client.stable(false)["errcode"], Value::Null);
    for errcode in [50004, 50007, -1, -1000] {
        client.knobs().refuse_with = Some(errcode);
        assert_eq!(client.plain()["errcode"], errcode);
    }
}

#[test]
fn quotas_are_counted_by_day_and_cleared() {
    let mut client = Client::new();
    client.knobs().plain_daily = 3;
    let tokens: Vec<Value> = (0..4).map(|_| client.plain()).collect();
    assert_eq!(tokens[3]["errcode"], 45009);
    assert_eq!(client.check(&tokens[2]["access_token"]), 0, "the current token stays valid");
    let token = client.token();
    let query = format!("access_token={token}");
    let asked = client.send("POST", "/cgi-bin/openapi/quota/get", &query, r#"{"cgi_path":"/cgi-bin/token"}"#);
    assert_eq!(asked["quota"], json!({"daily_limit": 3, "used": 3, "remain": 0}));
    let body = json!({"appid": APPID, "appsecret": SECRET}).to_string();
    assert_eq!(client.send("POST", "/cgi-bin/clear_quota/v2", "", &body)["errcode"], 0);
    assert_eq!(client.plain()["errcode"], Value::Null);
    for _ in 0..9 {
        client.send("POST", "/cgi-bin/clear_quota", &query, &json!({"appid": APPID}).to_string());
    }
    assert_eq!(client.send("POST", "/cgi-bin/clear_quota/v2", "", &body)["errcode"], 48006);
    client.knobs().stable_minutely = 0;
    assert_eq!(client.stable(false)["errcode"], 45011);
    client.knobs().stable_minutely = 10;
    client.knobs().ticket_daily = 0;
    assert_eq!(
        client.send("GET", "/cgi-bin/ticket/getticket", &format!("{query}&type=jsapi"), "")["errcode"],
        45009
    );
}

#[test]
fn a_business_call_checks_the_token_and_the_permission() {
    let mut client = Client::new();
    let token = client.token();
    let ask = |client: &mut Client, query: &str| {
        client.send("POST", "/cgi-bin/message/custom/send", query, "{}")["errcode"].clone()
    };
    assert_eq!(ask(&mut client, &format!("access_token={token}")), 0);
    assert_eq!(ask(&mut client, "access_token=garbage"), 40001);
    assert_eq!(ask(&mut client, ""), 41001);
    client.knobs().unauthorized = vec!["/cgi-bin/message/custom/send".to_owned()];
    assert_eq!(ask(&mut client, &format!("access_token={token}")), 48001);
    client.now += 7_200_000;
    assert_eq!(ask(&mut client, &format!("access_token={token}")), 42001);
}

#[test]
fn the_overlap_can_be_flaky_and_tokens_long() {
    let mut client = Client::new();
    client.knobs().overlap_taken = 0.5;
    let old = client.plain()["access_token"].clone();
    client.plain();
    let taken = (0..200).filter(|_| client.check(&old) == 0).count();
    assert!((60..140).contains(&taken), "{taken} of 200");
    for chars in [136, 157, 512, 513, 4096] {
        client.knobs().token_chars = chars;
        assert_eq!(client.plain()["access_token"].as_str().unwrap().len(), chars);
    }
}

/// One row for each fault: what the client sees, and whether the token was rotated behind it.
#[test]
fn faults_do_what_they_say() {
    let rows = [
        (Kind::Delay { ms: 600 }, true, Delivery::After(600)),
        (Kind::Drip { ms: 900 }, true, Delivery::Drip(900)),
        (Kind::LostBefore, false, Delivery::Never),
        (Kind::LostAfter, true, Delivery::Never),
        (Kind::Reset, false, Delivery::Cut),
        (Kind::HostDown, false, Delivery::Cut),
        (Kind::Html { status: 502, done: true }, true, Delivery::After(0)),
        (Kind::Html { status: 504, done: false }, false, Delivery::After(0)),
        (Kind::Empty, false, Delivery::After(0)),
        (Kind::Truncated, true, Delivery::After(0)),
        (Kind::Bom, true, Delivery::After(0)),
        (Kind::TextPlain, true, Delivery::After(0)),
        (Kind::Odd, true, Delivery::After(0)),
        (Kind::Errcode { errcode: -1 }, false, Delivery::After(0)),
        (Kind::ExpiresIn { value: json!("7200") }, true, Delivery::After(0)),
        (Kind::NoValue, true, Delivery::After(0)),
    ];
    for (kind, rotates, delivery) in rows {
        let mut client = Client::new();
        let before = client.plain()["access_token"].clone();
        let fault =
            Fault { kind: kind.clone(), when: When::Nth(1), path: "/cgi-bin/token".to_owned(), host: None };
        client.world.script.arm(fault, client.now);
        let query = format!("grant_type=client_credential&appid={APPID}&secret={SECRET}");
        let seen = client.exchange("GET", "/cgi-bin/token", &query, "");
        assert_eq!(seen.delivery, delivery, "{kind:?}");
        let rotated = client.world.accounts[APPID].plain.standing(before.as_str().unwrap(), client.now)
            == Standing::Previous;
        assert_eq!(rotated, rotates, "{kind:?}");
        let understood = zhongkong_core::providers::wechat::reply::token(&seen.body).is_ok();
        let takes_it = kind.is_harmless()
            || matches!(kind, Kind::Delay { .. } | Kind::Drip { .. } | Kind::ExpiresIn { .. });
        assert_eq!(understood, takes_it, "{kind:?}");
        assert!(client.plain()["access_token"].is_string(), "only the first call is hit");
    }
}

#[test]
fn faults_strike_when_and_where_they_say() {
    let mut client = Client::new();
    let now = client.now;
    let down = |when, path: &str, host: Option<&str>| Fault {
        kind: Kind::Errcode { errcode: -1 },
        when,
        path: path.to_owned(),
        host: host.map(str::to_owned),
    };
    client.world.script.arm(down(When::Seconds(10), "/cgi-bin/stable", None), now);
    client.world.script.arm(down(When::Always, "/cgi-bin/token", Some("api2.weixin.qq.com")), now);
    client.world.script.arm(down(When::Probability(0.25), "/cgi-bin/token", None), now);
    assert_eq!(client.stable(false)["errcode"], -1);
    client.now += 10_000;
    assert_eq!(client.stable(false)["errcode"], Value::Null);
    let hit = (0..200).filter(|_| client.plain()["errcode"] == -1).count();
    assert!((25..80).contains(&hit), "{hit} of 200, on the first host only");
    let struck: Vec<u64> = client.world.script.faults().map(|(_, struck)| struck).collect();
    assert_eq!((struck[0], struck[1], struck[2]), (1, 0, hit as u64));
}
