//! Media, as far as a client can tell whether its bytes have come through: an upload is answered with the
//! SHA-256 of what came, and a download of `bytes-N` brings N bytes.

use super::{Call, Outcome, Refused, done, gate};
use serde_json::json;
use zhongkong_core::digest::sha256_hex;

pub(super) fn upload(mut call: Call<'_>) -> Outcome {
    let appid = gate::by_token(&mut call)?;
    if call.request.body.is_empty() {
        return Err(Refused(Some(appid), 41005));
    }
    let media_id = sha256_hex(call.request.body);
    Ok(done(appid, json!({"type": "image", "media_id": media_id, "created_at": call.now / 1000})))
}

pub(super) fn download(mut call: Call<'_>) -> Outcome {
    let appid = gate::by_token(&mut call)?;
    let media_id = call.request.parameter("media_id").unwrap_or_default();
    let bytes = media_id.strip_prefix("bytes-").and_then(|count| count.parse::<u64>().ok());
    let bytes = bytes.filter(|count| *count <= 64 * 1024 * 1024);
    let bytes = bytes.ok_or_else(|| Refused(Some(appid.clone()), 40007))?;
    Ok(done(appid, json!({"$bytes": bytes})))
}
