//! WeChat's endpoints: tokens, tickets, and the calls that only check a token.

use crate::account::Account;
use crate::knobs::Millis;
use crate::random::Random;
use crate::request::Request;
use crate::token::Standing;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What an endpoint comes to.
pub(crate) struct Done {
    pub(crate) appid: Option<String>,
    pub(crate) body: Result<Value, i64>,
    pub(crate) rotated: bool,
}

impl Done {
    fn refused(appid: Option<String>, errcode: i64) -> Self {
        Self { appid, body: Err(errcode), rotated: false }
    }
}

type Accounts = BTreeMap<String, Account>;

pub(crate) fn answer(
    accounts: &mut Accounts,
    random: &mut Random,
    now: Millis,
    request: &Request<'_>,
) -> Done {
    match request.path {
        "/cgi-bin/token" => plain(accounts, random, now, request),
        "/cgi-bin/stable_token" => stable(accounts, random, now, request),
        "/cgi-bin/ticket/getticket" => ticket(accounts, random, now, request),
        "/cgi-bin/getcallbackip" | "/cgi-bin/get_api_domain_ip" => match bearer(accounts, now, request) {
            Ok((appid, _)) => {
                Done { appid: Some(appid), body: Ok(json!({"ip_list": ["127.0.0.1"]})), rotated: false }
            }
            Err((appid, errcode)) => Done::refused(appid, errcode),
        },
        _ => Done::refused(None, 40066),
    }
}

fn plain(accounts: &mut Accounts, random: &mut Random, now: Millis, request: &Request<'_>) -> Done {
    if request.method != "GET" {
        return Done::refused(None, 43001);
    }
    let field = |name: &str| request.parameter(name);
    let (appid, account) = match account(accounts, request, field) {
        Ok(found) => found,
        Err((appid, errcode)) => return Done::refused(appid, errcode),
    };
    let token = account.plain.rotate(now, &account.knobs, random);
    let body = json!({"access_token": token.value, "expires_in": account.knobs.token_life_s});
    Done { appid: Some(appid), body: Ok(body), rotated: true }
}

fn stable(accounts: &mut Accounts, random: &mut Random, now: Millis, request: &Request<'_>) -> Done {
    if request.method != "POST" {
        return Done::refused(None, 43002);
    }
    let fields = match request.json() {
        Ok(fields) => fields,
        Err(errcode) => return Done::refused(None, errcode),
    };
    let field = |name: &str| {
        fields.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let (appid, account) = match account(accounts, request, field) {
        Ok(found) => found,
        Err((appid, errcode)) => return Done::refused(appid, errcode),
    };
    let force = fields.get("force_refresh").and_then(Value::as_bool).unwrap_or(false);
    let knobs = &account.knobs;
    let (token, rotated) = if force {
        account.stable.force(now, knobs, random)
    } else {
        account.stable.renew(now, knobs, random)
    };
    let left_s = token.dies_at.saturating_sub(now) / 1000;
    let body = json!({"access_token": token.value, "expires_in": left_s});
    Done { appid: Some(appid), body: Ok(body), rotated }
}

fn ticket(accounts: &mut Accounts, random: &mut Random, now: Millis, request: &Request<'_>) -> Done {
    let appid = match bearer(accounts, now, request) {
        Ok((appid, _)) => appid,
        Err((appid, errcode)) => return Done::refused(appid, errcode),
    };
    let kind = request.parameter("type").filter(|kind| matches!(kind.as_str(), "jsapi" | "wx_card" | "2"));
    let (Some(kind), Some(account)) = (kind, accounts.get_mut(&appid)) else {
        return Done::refused(Some(appid), 40097);
    };
    let (ticket, rotated) = account.tickets.entry(kind).or_default().ask(now, &account.knobs, random);
    // Whatever the ticket's age: always its whole life.
    let body = json!({"errcode": 0, "errmsg": "ok", "ticket": ticket.value, "expires_in": account.knobs.ticket_life_s});
    Done { appid: Some(appid), body: Ok(body), rotated }
}

type Refused = (Option<String>, i64);

/// The account of a token request, after every check that WeChat makes, in its order.
fn account<'a>(
    accounts: &'a mut Accounts,
    request: &Request<'_>,
    field: impl Fn(&str) -> Option<String>,
) -> Result<(String, &'a mut Account), Refused> {
    let appid = field("appid").ok_or((None, 41002))?;
    let secret = field("secret").ok_or_else(|| (Some(appid.clone()), 41004))?;
    if field("grant_type").as_deref() != Some("client_credential") {
        return Err((Some(appid), 40002));
    }
    let Some(account) = accounts.get_mut(&appid) else { return Err((Some(appid), 40013)) };
    if account.knobs.secret != secret {
        return Err((Some(appid), 40125));
    }
    if let Some(errcode) = gate(account, request) {
        return Err((Some(appid), errcode));
    }
    Ok((appid, account))
}

/// The account whose token goes along, and how the token stands.
fn bearer(accounts: &Accounts, now: Millis, request: &Request<'_>) -> Result<(String, Standing), Refused> {
    let token = request.parameter("access_token").ok_or((None, 41001))?;
    let mut expired = None;
    for (appid, account) in accounts {
        for lane in [&account.plain, &account.stable] {
            match lane.standing(&token, now) {
                Standing::Unknown => {}
                Standing::Expired => expired = Some(appid.clone()),
                alive => {
                    return gate(account, request)
                        .map_or(Ok((appid.clone(), alive)), |errcode| Err((Some(appid.clone()), errcode)));
                }
            }
        }
    }
    let errcode = if expired.is_some() { 42001 } else { 40001 };
    Err((expired, errcode))
}

/// What refuses a call although its arguments are right.
fn gate(account: &Account, request: &Request<'_>) -> Option<i64> {
    let ip = account.knobs.seen_ip.unwrap_or(request.ip);
    let listed = account.knobs.whitelist.as_ref().is_none_or(|list| list.contains(&ip));
    if listed { account.knobs.refuse_with } else { Some(40164) }
}
