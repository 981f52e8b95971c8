//! `CALLERS.*` and the `CALLER_KEY_*` that belong to them.
//!
//! A caller is left out when its key or its addresses are faulty, and when it has a field that
//! nobody knows, since that may be a misspelt restriction: a fault never widens what it may do. An
//! unknown scope or app, or a faulty next key, takes nothing from what else it may do.

use super::Raw;
use super::fault::{Fault, Place};
use super::secrets::{MAKE_A_KEY, key_problem};
use super::table::{Table, tables};
use crate::access::{AllowedApps, Caller, KeyDigest, Origin, Scope};
use crate::app::{AppName, setting_case};
use crate::facade::PathPattern;
use ipnet::IpNet;
use serde_json::{Map, Value as Json};
use std::net::IpAddr;

const KNOWN: [&str; 5] = ["apps", "scopes", "ips", "paths", "origins"];

pub(super) fn read(raw: &Raw<'_>, apps: &[AppName], faults: &mut Vec<Fault>) -> Vec<Caller> {
    let tables = tables("CALLERS", "[vars.CALLERS.web]", raw.callers.as_ref(), faults);
    let names: Vec<&str> = tables.iter().map(|(name, _)| *name).collect();
    let mut callers: Vec<Caller> = Vec::new();
    for (name, fields) in &tables {
        // The key of `web-next` and the next key of `web` are one setting.
        if let Some(stem) = name.strip_suffix(NEXT).filter(|stem| names.contains(stem)) {
            let problem = format!("has a name that makes its key the next key of CALLERS.{stem}");
            faults.push(Fault::new(
                Place::Caller,
                format!("CALLERS.{name}"),
                problem,
                "give it another name",
            ));
        } else {
            let has_twin_name = names.contains(&format!("{name}{NEXT}").as_str());
            callers.extend(caller(name, fields, raw, apps, faults, !has_twin_name));
        }
    }
    without_twins(callers, faults)
}

const NEXT: &str = "-next";

/// Callers who share a key cannot be told apart: all of them are left out.
fn without_twins(callers: Vec<Caller>, faults: &mut Vec<Fault>) -> Vec<Caller> {
    let twin_of = |caller: &Caller| {
        let shares = |other: &&Caller| {
            other.name != caller.name && other.keys.iter().any(|key| caller.keys.contains(key))
        };
        callers.iter().find(shares).map(|twin| twin.name.clone())
    };
    let twins: Vec<Option<String>> = callers.iter().map(twin_of).collect();
    let mut sound = Vec::new();
    for (caller, twin) in callers.into_iter().zip(twins) {
        match twin {
            None => sound.push(caller),
            Some(twin) => faults.push(Fault::new(
                Place::Caller,
                key_setting(&caller.name),
                format!("is also a key of CALLERS.{twin}"),
                MAKE_A_KEY,
            )),
        }
    }
    sound
}

fn caller(
    name: &str,
    fields: &Map<String, Json>,
    raw: &Raw<'_>,
    apps: &[AppName],
    faults: &mut Vec<Fault>,
    has_next: bool,
) -> Option<Caller> {
    let mut table = Table::new(format!("CALLERS.{name}"), Place::Caller, fields, faults);
    table.knows(&KNOWN);
    let every_field_is_known = table.is_sound();
    let allowed = allowed_apps(&mut table, fields, apps);
    let known: Vec<&str> = Scope::ALL.iter().map(|scope| scope.name()).collect();
    let fix = format!("known are {}", known.join(", "));
    let scopes = table.list("scopes", &fix, Scope::parse).unwrap_or_default();
    if scopes.is_empty() && !fields.contains_key("scopes") {
        table.fault("scopes", "is missing", &format!("say what it may do; {fix}"));
    }
    let ips = restriction(&mut table, fields, "ips", IPS, range);
    let paths = restriction(&mut table, fields, "paths", PATHS, PathPattern::parse);
    let origins = restriction(&mut table, fields, "origins", ORIGINS, Origin::parse);
    let published = fields.contains_key("origins");
    if published && scopes != [Scope::Sign] {
        table.fault(
            "scopes",
            "is more than a key in a page may have",
            "give a caller with origins the scope \"sign\" alone",
        );
        return None;
    }
    let keys = keys(name, &mut table, raw, has_next)?;
    let caller = Caller {
        name: name.to_owned(),
        keys,
        apps: allowed,
        scopes,
        ips: ips?.unwrap_or_default(),
        paths: paths?,
        origins: origins?.unwrap_or_default(),
    };
    every_field_is_known.then_some(caller)
}

const IPS: &str = "give addresses or ranges such as \"203.0.113.7\", \"203.0.113.0/24\" or \"2001:db8::/32\"";
const PATHS: &str = "give paths of WeChat's such as \"/cgi-bin/menu/get\" or \"/cgi-bin/message/*\"";
const ORIGINS: &str = "give origins as browsers write them, such as \"https://shop.example.com\"";

fn range(text: &str) -> Option<IpNet> {
    let range = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))?;
    // Addresses are compared as IPv4 where they are; a range of ::ffff:a.b.c.d would match nobody.
    let mapped = matches!(range, IpNet::V6(range) if range.network().to_ipv4_mapped().is_some());
    (!mapped).then_some(range)
}

/// A list that restricts what the caller may do: `Some(None)` when it is absent, `None` when any of it is
/// faulty. An empty one is a fault too: nobody can tell whether it was meant to allow nothing or all.
fn restriction<T: PartialEq>(
    table: &mut Table<'_>,
    fields: &Map<String, Json>,
    name: &str,
    fix: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Option<Option<Vec<T>>> {
    let values = table.list(name, fix, read);
    let Some(json) = fields.get(name) else { return Some(None) };
    let asked = json.as_array()?.len();
    if asked == 0 {
        table.fault(name, "is empty", "leave it out, or name what is allowed");
        return None;
    }
    values.filter(|values| values.len() == asked).map(Some)
}

fn allowed_apps(table: &mut Table<'_>, fields: &Map<String, Json>, apps: &[AppName]) -> AllowedApps {
    if fields.get("apps").and_then(Json::as_array).is_some_and(|list| list.iter().any(|item| item == "*")) {
        return AllowedApps::All;
    }
    let configured = |name: &str| AppName::parse(name).filter(|name| apps.contains(name));
    let names = table.list("apps", "name a table of [vars.APPS], or give [\"*\"]", configured);
    if names.is_none() {
        table.fault("apps", "is missing", "list the apps it may use, or give [\"*\"]");
    }
    AllowedApps::These(names.unwrap_or_default())
}

fn keys(name: &str, table: &mut Table<'_>, raw: &Raw<'_>, has_next: bool) -> Option<Vec<KeyDigest>> {
    let setting = key_setting(name);
    let Some(key) = (raw.secret)(&setting) else {
        table.fault_of(setting, "is missing", MAKE_A_KEY);
        return None;
    };
    if let Some(problem) = key_problem(&key) {
        table.fault_of(setting, problem, MAKE_A_KEY);
        return None;
    }
    let mut keys = vec![KeyDigest::of(&key)];
    let next_setting = format!("{setting}_NEXT");
    if let Some(next) = (raw.secret)(&next_setting).filter(|_| has_next) {
        match key_problem(&next) {
            Some(problem) => table.fault_of(next_setting, problem, MAKE_A_KEY),
            None => keys.push(KeyDigest::of(&next)),
        }
    }
    Some(keys)
}

fn key_setting(name: &str) -> String {
    format!("CALLER_KEY_{}", setting_case(name))
}
