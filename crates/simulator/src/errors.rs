//! Refusals, with the texts that WeChat gives and the `rid` at their end.

use crate::knobs::Millis;
use crate::random::Random;
use serde_json::{Value, json};
use std::net::IpAddr;

/// A refusal's body. `rid` is three groups of eight hex digits; the first is the time.
pub(crate) fn refusal(errcode: i64, ip: IpAddr, now: Millis, random: &mut Random) -> Value {
    let text = match errcode {
        -1 => "system error",
        40001 => {
            "invalid credential, access_token is invalid or not latest, could get access_token by getStableAccessToken, \
             more details at https://mmbizurl.cn/s/JtxxFh33r"
        }
        40002 => "invalid grant_type",
        40013 => "invalid appid",
        40014 => "invalid access_token",
        40066 => "invalid url",
        40097 => "invalid args",
        40125 => "invalid appsecret",
        40164 => "",
        40243 => "invalid appsecret, appsecret is frozen",
        41001 => "access_token missing",
        41002 => "appid missing",
        41004 => "appsecret missing",
        42001 => "access_token expired",
        43001 => "require GET method",
        43002 => "require POST method",
        44002 => "empty post data",
        45009 => "reach max api daily quota limit",
        45011 => "api minute-quota reach limit  must slower  retry next minute",
        47001 => "data format error",
        48001 => "api unauthorized",
        50004 => "forbid to use token api",
        50007 => "account is frozen",
        89503 => "此次调用需要管理员确认，请耐心等候",
        _ => "refused",
    };
    let rid = format!("{:08x}-{:08x}-{:08x}", now / 1000, random.next() >> 32, random.next() >> 32);
    let errmsg = if errcode == 40164 {
        match ip {
            IpAddr::V4(ip) => format!("invalid ip {ip} ipv6 ::ffff:{ip}, not in whitelist rid: {rid}"),
            IpAddr::V6(ip) => format!("invalid ip {ip}, not in whitelist rid: {rid}"),
        }
    } else {
        format!("{text} rid: {rid}")
    };
    json!({"errcode": errcode, "errmsg": errmsg})
}
