//! `GET /v1/apps/{app}/access_token` and `GET /v1/apps/{app}/tickets/{type}`.

use super::input;
use crate::answer::{self, Outcome};
use crate::call::Call;
use crate::incoming::Incoming;
use crate::{platform, read};
use std::rc::Rc;
use zhongkong_core::access::Caller;
use zhongkong_core::config::ReadyApp;
use zhongkong_core::credential::Credential;
use zhongkong_core::json::Object;
use zhongkong_core::record::Record;
use zhongkong_core::time::UnixTime;

/// Nothing lives longer than two hours, so nobody can wish for more.
const MAX_MIN_TTL_S: u64 = 7200;

/// Hands a credential out.
///
/// 1. `min_ttl` is a number of seconds, for the token only (400).
/// 2. The credential is read: 404 for a ticket that is not kept, 502 where WeChat refuses, 503
///    where there is none that lives.
pub(crate) async fn show(
    request: &Incoming,
    call: &Call,
    caller: &Caller,
    ready: &Rc<ReadyApp>,
    credential: Credential,
) -> Outcome {
    let hint = "It is a number of seconds from 0 to 7200.";
    let min_ttl_s = match input::only_parameter(request, "min_ttl", hint)? {
        None => 0,
        Some(text) => text
            .parse()
            .ok()
            .filter(|seconds| *seconds <= MAX_MIN_TTL_S && !text.starts_with('+'))
            .ok_or_else(|| input::invalid(format!("min_ttl is not understood. {hint}")))?,
    };
    let record = read::live(call, ready, credential, min_ttl_s).await?;
    let may_see = caller.may_see(credential, &ready.app.name, request.ip);
    Ok(answer::credential(body(credential, &record, platform::now(), may_see)).of_version(record.version))
}

/// The answer: the value under WeChat's own name, and its true remainder of life. Only the version for a caller
/// who may not see it ([`Caller::may_see`]).
pub(super) fn body(credential: Credential, record: &Record, now: UnixTime, may_see: bool) -> Object {
    if !may_see {
        return Object::with_room_for(48).number("version", record.version.number());
    }
    let name = if credential == Credential::AccessToken { "access_token" } else { "ticket" };
    Object::with_room_for(record.value.expose().len() + 96)
        .text(name, record.value.expose())
        .number("expires_in", record.expires_in_s(now))
        .number("expires_at", record.expires_at.as_secs())
        .number("version", record.version.number())
}
