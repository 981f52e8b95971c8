//! Calls that need a token and change nothing here: the probes, and business APIs that say `ok`.

use super::{Call, Outcome, Refused, done, gate};
use serde_json::json;

/// A handful of business paths; any other is a wrong one (40066).
const PATHS: [&str; 8] = [
    "/cgi-bin/user/get",
    "/cgi-bin/user/info",
    "/cgi-bin/menu/get",
    "/cgi-bin/message/custom/send",
    "/cgi-bin/message/template/send",
    "/cgi-bin/draft/count",
    "/wxa/business/getuserphonenumber",
    "/datacube/getusersummary",
];

pub(super) fn addresses(mut call: Call<'_>) -> Outcome {
    let appid = gate::by_token(&mut call)?;
    Ok(done(appid, json!({"ip_list": ["127.0.0.1"]})))
}

pub(super) fn any(mut call: Call<'_>) -> Outcome {
    if !PATHS.contains(&call.request.path) {
        return Err(Refused(None, 40066));
    }
    let appid = gate::by_token(&mut call)?;
    let unauthorized = call
        .accounts
        .get(&appid)
        .is_some_and(|account| account.knobs.unauthorized.iter().any(|path| path == call.request.path));
    if unauthorized {
        return Err(Refused(Some(appid), 48001));
    }
    Ok(done(appid, json!({"errcode": 0, "errmsg": "ok"})))
}
