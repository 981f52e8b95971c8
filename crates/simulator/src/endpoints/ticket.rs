//! `GET /cgi-bin/ticket/getticket`.

use super::{Call, Done, Outcome, Refused, gate};
use serde_json::json;

pub(super) fn get(mut call: Call<'_>) -> Outcome {
    let appid = gate::by_token(&mut call)?;
    let refused = |errcode| Refused(Some(appid.clone()), errcode);
    let kind =
        call.request.parameter("type").filter(|kind| matches!(kind.as_str(), "jsapi" | "wx_card" | "2"));
    let kind = kind.ok_or_else(|| refused(40097))?;
    let account = call.accounts.get_mut(&appid).ok_or_else(|| refused(40013))?;
    let knobs = &account.knobs;
    if knobs.unauthorized.iter().any(|path| path == call.request.path) {
        return Err(refused(48001));
    }
    account.quota.count(call.now, call.request.path, knobs.ticket_daily, None).map_err(refused)?;
    let (ticket, rotated) = account.tickets.entry(kind).or_default().ask(call.now, knobs, call.random);
    // Whatever the ticket's age, WeChat says: its whole life.
    let expires_in = if knobs.ticket_tells_remainder {
        ticket.dies_at.saturating_sub(call.now) / 1000
    } else {
        knobs.ticket_life_s
    };
    let body = json!({"errcode": 0, "errmsg": "ok", "ticket": ticket.value, "expires_in": expires_in});
    Ok(Done { appid: Some(appid), body: Ok(body), rotated })
}
