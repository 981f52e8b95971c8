//! `APPS.*` and the `APP_SECRET_*` that belong to them.

use super::address::{ONLY_NAMES, is_out_of_reach};
use super::fault::{Fault, Place};
use super::table::{Table, tables};
use super::{AppEntry, Raw, ReadyApp};
use crate::app::{App, AppName, Platform, RealToken, TokenApi};
use crate::credential::TicketType;
use crate::secret::Secret;
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use std::rc::Rc;

const KNOWN: [&str; 9] = [
    "appid",
    "platform",
    "token_api",
    "tickets",
    "api_hosts",
    "sign_hosts",
    "refresh_lead_s",
    "daily_limit",
    "real_token",
];

/// WeChat's own hosts: the nearest access point, then the failover (Interface_field_description).
const WECHAT_HOSTS: [&str; 2] = ["https://api.weixin.qq.com", "https://api2.weixin.qq.com"];

/// A plain token is replaced half an hour ahead: clients take up to 1500 s off `expires_in`.
const PLAIN_LEAD_S: u64 = 1800;

/// What a new account has of the plain token API in a day (API_Call_Limits).
const PLAIN_DAILY: u32 = 2000;

/// The apps by name, and their names by appid.
pub(super) type Apps = (BTreeMap<AppName, AppEntry>, BTreeMap<String, AppName>);

pub(super) fn read(raw: &Raw<'_>, faults: &mut Vec<Fault>) -> Apps {
    let mut apps = BTreeMap::new();
    // By appid.
    let (mut by_appid, mut first_with) = (BTreeMap::new(), BTreeMap::<String, AppName>::new());
    for (name, fields) in tables("APPS", "[vars.APPS.shop]", raw.apps.as_ref(), faults) {
        let Some(name) = AppName::parse(name) else { continue };
        let mut own = Vec::new();
        let app = app(&name, fields, raw, &mut own);
        if let Some(app) = &app {
            // Two Keepers for one account would do what the centre exists to prevent. The one that stands first goes
            // on: a new one is usually added below.
            let first = first_with.entry(app.appid.clone()).or_insert_with(|| name.clone());
            if *first != name {
                own.push(Fault::new(
                    Place::App(name.clone()),
                    format!("APPS.{name}.appid"),
                    format!("is also the appid of APPS.{first}"),
                    "keep one of the two: two apps of one account refresh each other's token away",
                ));
            }
        }
        let entry = match app {
            Some(app) if own.is_empty() => {
                AppEntry::Ready(Rc::new(ReadyApp { identity: app.identity(), app }))
            }
            _ => AppEntry::Faulty(own.clone()),
        };
        faults.append(&mut own);
        // Of an app that is faulty as well, unless another one works: who asks for it is told so.
        if let Some(appid) = fields.get("appid").and_then(Json::as_str) {
            let known = by_appid.entry(appid.to_owned()).or_insert_with(|| name.clone());
            if matches!(entry, AppEntry::Ready(_)) {
                known.clone_from(&name);
            }
        }
        apps.insert(name, entry);
    }
    (apps, by_appid)
}

fn app(name: &AppName, fields: &Map<String, Json>, raw: &Raw<'_>, faults: &mut Vec<Fault>) -> Option<App> {
    let mut table = Table::new(format!("APPS.{name}"), Place::App(name.clone()), fields, faults);
    table.knows(&KNOWN);
    let appid = appid(&mut table);
    let platform = table.choice(
        "platform",
        &[("official", Platform::Official), ("mini", Platform::Mini)],
        Platform::Official,
    );
    let token_api = token_api(&mut table);
    let tickets = table.list("tickets", "known are \"jsapi\", \"wx_card\" and \"sdk\"", TicketType::parse);
    let api_hosts = api_hosts(&mut table);
    let fix = "give host names such as \"shop.example.com\" or \"*.example.com\", without https:// and path";
    let sign_hosts = table.list("sign_hosts", fix, |text| raw.host_pattern(text)).unwrap_or_default();
    let words = [("all", RealToken::All), ("any", RealToken::Any), ("none", RealToken::None)];
    let real_token = table.choice("real_token", &words, RealToken::All);
    let secret = app_secret(name, &mut table, raw);
    let sound = table.is_sound();
    let app = App {
        name: name.clone(),
        appid: appid?,
        secret: secret?,
        platform,
        token_api,
        tickets: tickets.unwrap_or_else(|| match platform {
            Platform::Official => vec![TicketType::Jsapi],
            Platform::Mini => vec![],
        }),
        api_hosts,
        sign_hosts,
        real_token,
    };
    sound.then_some(app)
}

fn appid(table: &mut Table<'_>) -> Option<String> {
    let Some(text) = table.text("appid") else {
        if table.is_sound() {
            table.fault("appid", "is missing", "copy it from the account's console; it begins with wx");
        }
        return None;
    };
    let is_appid = text.len() == 18
        && text
            .strip_prefix("wx")
            .is_some_and(|id| id.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase()));
    if is_appid {
        return Some(text.to_owned());
    }
    let fix = if text.starts_with("gh_") {
        "this is the original id (原始ID); the appid (AppID) begins with wx"
    } else {
        "it is wx and 16 characters of 0-9 and a-z, as in the account's console"
    };
    table.fault("appid", "is no appid", fix);
    None
}

fn token_api(table: &mut Table<'_>) -> TokenApi {
    let plain = table.choice("token_api", &[("stable", false), ("plain", true)], false);
    let lead_s = table.number("refresh_lead_s", 200..=7000);
    let daily_limit = table.number("daily_limit", 50..=1_000_000);
    if plain {
        let daily_limit = daily_limit.and_then(|limit| u32::try_from(limit).ok());
        return TokenApi::Plain {
            lead_s: lead_s.unwrap_or(PLAIN_LEAD_S),
            daily_limit: daily_limit.unwrap_or(PLAIN_DAILY),
        };
    }
    let means_nothing = "means nothing with token_api = \"stable\"";
    if lead_s.is_some() {
        let fix = "leave it out: the stable API gives a new token in the last 300 s only";
        table.fault("refresh_lead_s", means_nothing, fix);
    }
    if daily_limit.is_some() {
        table.fault("daily_limit", means_nothing, "leave it out: the stable API has 500,000 calls a day");
    }
    TokenApi::Stable
}

fn api_hosts(table: &mut Table<'_>) -> Vec<String> {
    let fix = "give origins such as \"https://api.weixin.qq.com\": https, a host, perhaps a port, no path";
    match table.list("api_hosts", fix, origin) {
        None => WECHAT_HOSTS.map(str::to_owned).to_vec(),
        Some(hosts) => {
            if hosts.is_empty() && table.is_sound() {
                table.fault("api_hosts", "is empty", "name at least one, or leave it out for WeChat's own");
            }
            if hosts.iter().any(|host| is_out_of_reach(host)) {
                table.fault("api_hosts", "holds an IP address", ONLY_NAMES);
            }
            hosts
        }
    }
}

/// An origin: `https://host[:port]`; plain `http` only for this machine, because the AppSecret travels there. It comes in
/// one form, so that WeChat's own hosts are known however they are written: in lower case, without the scheme's own port
/// and a last dot.
fn origin(text: &str) -> Option<String> {
    let text = text.strip_suffix('/').unwrap_or(text).to_ascii_lowercase();
    let (scheme, authority) = text.split_once("://")?;
    let (host, port) = authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
    let host = host.strip_suffix('.').unwrap_or(host);
    let host_is_sound =
        !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-');
    let its_own = match scheme {
        "https" => 443,
        "http" if matches!(host, "127.0.0.1" | "localhost") => 80,
        _ => return None,
    };
    let port = port.map_or(Some(its_own), |port| port.parse::<u16>().ok())?;
    let shown = if port == its_own { String::new() } else { format!(":{port}") };
    host_is_sound.then(|| format!("{scheme}://{host}{shown}"))
}

fn app_secret(name: &AppName, table: &mut Table<'_>, raw: &Raw<'_>) -> Option<Secret> {
    let setting = name.secret_setting();
    let Some(secret) = (raw.secret)(&setting) else {
        let fix = format!("store the AppSecret with `wrangler secret put {setting}`");
        table.fault_of(setting, "is missing", &fix);
        return None;
    };
    let text = secret.expose();
    let fix = format!("copy the AppSecret, 32 characters, and store it with `wrangler secret put {setting}`");
    if !text.bytes().all(|b| b.is_ascii_graphic()) {
        table.fault_of(setting, "holds white space or other odd characters", &fix);
        return None;
    }
    if !(16..=128).contains(&text.len()) {
        table.fault_of(setting, "has not the length of an AppSecret", &fix);
        return None;
    }
    Some(secret)
}
