//! The table "wrong configuration → what the operator reads".

use super::*;

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
