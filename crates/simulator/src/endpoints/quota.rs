//! What is left of the day's quotas, and clearing them.

use super::{Call, Outcome, Refused, done, gate};
use serde_json::json;

pub(super) fn get(mut call: Call<'_>) -> Outcome {
    let appid = gate::by_token(&mut call)?;
    let refused = |errcode| Refused(Some(appid.clone()), errcode);
    let path = call.request.json().ok().and_then(|fields| gate::text(&fields, "cgi_path"));
    let account = call.accounts.get_mut(&appid).ok_or_else(|| refused(40013))?;
    let knobs = &account.knobs;
    let daily = match path.as_deref() {
        Some("/cgi-bin/token") => knobs.plain_daily,
        Some("/cgi-bin/stable_token") => knobs.stable_daily,
        Some("/cgi-bin/ticket/getticket") => knobs.ticket_daily,
        Some(_) => return Err(refused(76021)),
        None => return Err(refused(76003)),
    };
    let used = account.quota.used(call.now, path.as_deref().unwrap_or_default());
    let quota = json!({"daily_limit": daily, "used": used, "remain": daily.saturating_sub(used)});
    Ok(done(appid, json!({"errcode": 0, "errmsg": "ok", "quota": quota})))
}

pub(super) fn clear(mut call: Call<'_>) -> Outcome {
    let appid = gate::by_token(&mut call)?;
    let named = call.request.json().ok().and_then(|fields| gate::text(&fields, "appid"));
    if named.as_ref() != Some(&appid) {
        return Err(Refused(Some(appid), 40013));
    }
    clear_for(call, appid)
}

pub(super) fn clear_by_secret(call: Call<'_>) -> Outcome {
    let fields = call.request.json().map_err(|errcode| Refused(None, errcode))?;
    let field = |name: &str| gate::text(&fields, name);
    let appid = gate::by_secret(call.accounts, call.now, call.ip, field("appid"), field("appsecret"))?;
    clear_for(call, appid)
}

fn clear_for(call: Call<'_>, appid: String) -> Outcome {
    let cleared = call.accounts.get_mut(&appid).map_or(Err(40013), |account| account.quota.clear(call.now));
    match cleared {
        Ok(()) => Ok(done(appid, json!({"errcode": 0, "errmsg": "ok"}))),
        Err(errcode) => Err(Refused(Some(appid), errcode)),
    }
}
