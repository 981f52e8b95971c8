//! Addresses and ranges of callers: what is taken decides as a range should, and what is not is a fault.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::net::IpAddr;
use zhongkong_core::access::{Scope, neighbourhood};
use zhongkong_core::app::AppName;
use zhongkong_core::config::{Config, Raw};
use zhongkong_core::secret::Secret;

const KEY: &str = "q8Zr1mXw5tLk9vBn3cYd7hSj2fGp4aEu";

fuzz_target!(|text: &str| {
    let (range, address) = text.split_once(' ').unwrap_or((text, "203.0.113.9"));
    let Ok(ip) = address.parse::<IpAddr>() else { return };
    let key = || Secret::new(KEY.to_owned());
    let config = Config::read(&Raw {
        apps: Some(serde_json::json!({"shop": {"appid": "wx0123456789abcdef"}})),
        callers: Some(serde_json::json!({"web": {"apps": ["shop"], "scopes": ["token"], "ips": [range]}})),
        store: None,
        secret: &|name| (name == "CALLER_KEY_WEB").then(key),
        to_ascii: &|_| None,
        has_tokens: true,
        has_db: false,
        has_keeper: true,
        has_scheduler: true,
    });
    let _ = neighbourhood(Some(ip));
    let shop = AppName::parse("shop").expect("a name");
    let Some(web) = config.callers.holder_of(&key()) else {
        assert!(config.faults.iter().any(|fault| fault.setting.contains("ips")), "left out, and said so");
        return;
    };
    assert!(!web.may(Scope::Token, &shop, None), "an unknown address is outside of every range");
    let (may, range) = (web.may(Scope::Token, &shop, Some(ip)), &web.ips[0]);
    assert_eq!(may, range.network() <= ip.to_canonical() && ip.to_canonical() <= range.broadcast());
});
