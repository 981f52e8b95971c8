//! Signing users in: appid and AppSecret go along, not a token.

use super::{Call, Outcome, Refused, done, gate};
use serde_json::json;

pub(super) fn session(call: Call<'_>) -> Outcome {
    let field = |name: &str| call.request.parameter(name);
    let appid = gate::by_secret(call.accounts, call.now, call.ip, field("appid"), field("secret"))?;
    let Some(code) = field("js_code").or_else(|| field("code")) else {
        return Err(Refused(Some(appid), 41008));
    };
    Ok(done(appid, json!({"openid": format!("openid-of-{code}"), "session_key": "c2Vzc2lvbi1rZXk="})))
}
