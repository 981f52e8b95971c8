//! What a client of WeChat sees.

use super::*;
use serde_json::json;

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
        let request =
            Request { method, path, query, body: body.as_bytes(), ip: "203.0.113.9".parse().unwrap() };
        self.world.handle(self.now, &request).body
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
    client.world.accounts.get_mut(APPID).unwrap().knobs.whitelist =
        Some(vec!["198.51.100.1".parse().unwrap()]);
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
