//! Refusals, with the texts that WeChat gives and the `rid` at their end.

use crate::knobs::{IpText, Millis};
use crate::random::Random;
use serde_json::{Value, json};
use std::net::IpAddr;

/// A refusal's body. `rid` is three groups of eight hex digits; the first is the time.
pub(crate) fn refusal(errcode: i64, ip: IpAddr, form: IpText, now: Millis, random: &mut Random) -> Value {
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
        48006 => "forbid to clear quota because of reaching the limit",
        50004 => "forbid to use token api",
        50007 => "account is frozen",
        76003 => "invalid cgi_path",
        76021 => "cgi_path not found",
        89503 => "此次调用需要管理员确认，请耐心等候",
        89506 => "24小时内该IP被管理员拒绝调用两次，24小时内不可再使用该IP调用",
        89507 => "1小时内该IP被管理员拒绝调用一次，1小时内不可再使用该IP调用",
        _ => "refused",
    };
    let rid = format!("{:08x}-{:08x}-{:08x}", now / 1000, random.next() >> 32, random.next() >> 32);
    let errmsg = if errcode == 40164 { not_listed(ip, form, &rid) } else { format!("{text} rid: {rid}") };
    json!({"errcode": errcode, "errmsg": errmsg})
}

/// The text of 40164, in each of the forms seen since 2017.
fn not_listed(ip: IpAddr, form: IpText, rid: &str) -> String {
    let both = match ip {
        IpAddr::V4(ip) => format!("{ip} ipv6 ::ffff:{ip}"),
        IpAddr::V6(ip) => ip.to_string(),
    };
    match form {
        IpText::Rid => format!("invalid ip {both}, not in whitelist rid: {rid}"),
        IpText::CommaRid => format!("invalid ip {both}, not in whitelist, rid: {rid}"),
        IpText::Hint => format!("invalid ip {ip}, not in whitelist hint: [{}]", rid.replace('-', "")),
    }
}
