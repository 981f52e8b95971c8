//! `POST /v1/apps/{app}/access_token/refresh` and `POST /v1/apps/{app}/tickets/{type}/refresh`: a
//! caller says that a credential has died. It is compared, checked at WeChat, and only then
//! replaced.

use super::input;
use crate::answer::{self, Outcome};
use crate::context::RequestContext;
use crate::{platform, read};
use serde::Deserialize;
use std::rc::Rc;
use zhongkong_core::access::Caller;
use zhongkong_core::config::ReadyApp;
use zhongkong_core::credential::{Credential, MAX_VALUE_CHARS};
use zhongkong_core::digest::Sha256Digest;
use zhongkong_core::http::bodies;
use zhongkong_core::http::parameters::invalid;
use zhongkong_core::protocol::Ask;

const SHAPE: &str = "{\"stale\": \"the value that failed, or its SHA-256 in hex\"}";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Report {
    stale: String,
}

/// Takes a report that a value is dead.
///
/// 1. The body names the value, or its digest (400, 413).
/// 2. The Keeper compares, checks and perhaps replaces it (502, 503).
/// 3. The answer is the current credential, for a caller who may read it; its version for any other; and
///    whether it was replaced just now.
pub(crate) async fn report(
    request: &RequestContext,
    caller: &Caller,
    ready: &Rc<ReadyApp>,
    credential: Credential,
) -> Outcome {
    let Report { stale } = input::json(request, SHAPE).await?;
    if stale.is_empty() || stale.len() > MAX_VALUE_CHARS {
        return Err(invalid(format!("Send a JSON body of the form {SHAPE}.")));
    }
    let digest = Sha256Digest::from_hex(&stale).unwrap_or_else(|| Sha256Digest::of(&stale));
    let (record, rotated) =
        read::ask_keeper(request, ready, credential, Ask::Stale { credential, digest }).await?;
    let may_see = caller.may_see(credential, &ready.app.name, request.ip());
    let body = bodies::reported(credential, &record, platform::now(), rotated, may_see);
    let result = if rotated { "rotated" } else { "current" };
    // A value that was never handed out could be anything, and would make each report a line of its own.
    let about = (rotated || record.value.digest() == digest).then(|| digest.short());
    Ok(answer::json_text(body)?.of_version(record.version).telling(result, about))
}
