//! What has to hold before an endpoint does anything: the account is known, its secret or a token
//! of it goes along, the address may call.

use super::{Accounts, Call, Refused};
use crate::account::Account;
use crate::knobs::{Confirm, Knobs, Millis};
use crate::random::Random;
use crate::token::Standing;
use serde_json::{Map, Value};
use std::net::IpAddr;

const HOUR_MS: Millis = 3_600_000;

/// The account of a call with appid and secret, after every check that WeChat makes, in its order.
pub(super) fn by_secret(
    accounts: &Accounts,
    now: Millis,
    ip: IpAddr,
    appid: Option<String>,
    secret: Option<String>,
) -> Result<String, Refused> {
    let appid = appid.ok_or(Refused(None, 41002))?;
    let refused = |errcode| Refused(Some(appid.clone()), errcode);
    let secret = secret.ok_or_else(|| refused(41004))?;
    let account = accounts.get(&appid).ok_or_else(|| refused(40013))?;
    if account.knobs.secret != secret {
        return Err(refused(40125));
    }
    if account.knobs.frozen_until_ms.is_some_and(|until| now < until) {
        return Err(refused(40243));
    }
    match address(&account.knobs, now, ip).or(account.knobs.refuse_with) {
        Some(errcode) => Err(refused(errcode)),
        None => Ok(appid),
    }
}

/// The account whose token goes along.
pub(super) fn by_token(call: &mut Call<'_>) -> Result<String, Refused> {
    let token = call.request.parameter("access_token").ok_or(Refused(None, 41001))?;
    let mut expired = None;
    for (appid, account) in call.accounts.iter() {
        match standing(account, &token, call.now) {
            Standing::Unknown => {}
            Standing::Expired => expired = Some(appid.clone()),
            alive => {
                let refused = |errcode| Refused(Some(appid.clone()), errcode);
                if !is_taken(&account.knobs, alive, call.random) {
                    return Err(refused(40001));
                }
                let errcode = address(&account.knobs, call.now, call.ip).or(account.knobs.refuse_with);
                return errcode.map_or_else(|| Ok(appid.clone()), |errcode| Err(refused(errcode)));
            }
        }
    }
    let errcode = if expired.is_some() { 42001 } else { 40001 };
    Err(Refused(expired, errcode))
}

fn standing(account: &Account, token: &str, now: Millis) -> Standing {
    match account.plain.standing(token, now) {
        Standing::Unknown => account.stable.standing(token, now),
        known => known,
    }
}

fn is_taken(knobs: &Knobs, standing: Standing, random: &mut Random) -> bool {
    standing != Standing::Previous || random.happens(knobs.overlap_taken)
}

/// Whether the address may call: the whitelist, or else the administrator's confirmation.
fn address(knobs: &Knobs, now: Millis, ip: IpAddr) -> Option<i64> {
    if let Some(list) = &knobs.whitelist {
        return (!list.contains(&ip)).then_some(40164);
    }
    match knobs.confirm {
        Confirm::NotNeeded | Confirm::Approved => None,
        Confirm::Refused(at) if now < at + HOUR_MS => Some(89507),
        Confirm::RefusedAgain(at) if now < at + 24 * HOUR_MS => Some(89506),
        Confirm::Waiting | Confirm::Refused(_) | Confirm::RefusedAgain(_) => Some(89503),
    }
}

/// A text field of a JSON body; an empty one counts as absent.
pub(super) fn text(fields: &Map<String, Value>, name: &str) -> Option<String> {
    fields.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}
