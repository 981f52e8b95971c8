//! `GET /cgi-bin/token` and `POST /cgi-bin/stable_token`.

use super::{Call, Done, Outcome, Refused, gate};
use crate::quota;
use serde_json::{Value, json};

pub(super) fn plain(call: Call<'_>) -> Outcome {
    if call.request.method != "GET" {
        return Err(Refused(None, 43001));
    }
    let field = |name: &str| call.request.parameter(name);
    let appid = gate::by_secret(call.accounts, call.now, call.ip, field("appid"), field("secret"))?;
    let grant = field("grant_type");
    with_account(call, appid, grant.as_deref(), |account, now, random| {
        account.quota.count(now, "/cgi-bin/token", account.knobs.plain_daily, None)?;
        let token = account.plain.rotate(now, &account.knobs, random);
        Ok((json!({"access_token": token.value, "expires_in": account.knobs.token_life_s}), true))
    })
}

pub(super) fn stable(call: Call<'_>) -> Outcome {
    if call.request.method != "POST" {
        return Err(Refused(None, 43002));
    }
    let fields = call.request.json().map_err(|errcode| Refused(None, errcode))?;
    let field = |name: &str| gate::text(&fields, name);
    let appid = gate::by_secret(call.accounts, call.now, call.ip, field("appid"), field("secret"))?;
    let force = fields.get("force_refresh").and_then(Value::as_bool).unwrap_or(false);
    with_account(call, appid, field("grant_type").as_deref(), |account, now, random| {
        let knobs = &account.knobs;
        account.quota.count(now, "/cgi-bin/stable_token", knobs.stable_daily, Some(knobs.stable_minutely))?;
        let (token, rotated) = if force {
            account.stable.force(now, quota::day(now), knobs, random)?
        } else {
            account.stable.renew(now, knobs, random)
        };
        let left_s = token.dies_at.saturating_sub(now) / 1000;
        Ok((json!({"access_token": token.value, "expires_in": left_s}), rotated))
    })
}

fn with_account(
    call: Call<'_>,
    appid: String,
    grant: Option<&str>,
    work: impl FnOnce(&mut super::Account, super::Millis, &mut super::Random) -> Result<(Value, bool), i64>,
) -> Outcome {
    if grant != Some("client_credential") {
        return Err(Refused(Some(appid), 40002));
    }
    let Some(account) = call.accounts.get_mut(&appid) else { return Err(Refused(Some(appid), 40013)) };
    match work(account, call.now, call.random) {
        Ok((body, rotated)) => Ok(Done { appid: Some(appid), body: Ok(body), rotated }),
        Err(errcode) => Err(Refused(Some(appid), errcode)),
    }
}
