//! What a request brings along: query and body, bounded before they are read.

use futures_util::StreamExt as _;
use serde::de::DeserializeOwned;
use worker::Request;
use zhongkong_core::problem::{Code, Problem};

/// No request of the native API has a larger body.
const MAX_BODY_BYTES: usize = 16 * 1024;

pub(crate) fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(Code::InvalidRequest, detail)
}

/// The one query parameter `name`, percent-decoded exactly once; `+` stays `+`. Any other
/// parameter is refused, with `hint`: it is a slip, or the rest of a value that was not encoded.
pub(crate) fn only_parameter(request: &Request, name: &str, hint: &str) -> Result<Option<String>, Problem> {
    let url = request.inner().url();
    let Some((_, query)) = url.split_once('?') else { return Ok(None) };
    let mut found = None;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        if key != name {
            return Err(invalid(format!("This path knows no query parameter but {name}. {hint}")));
        }
        if found.is_some() {
            return Err(invalid(format!("The query parameter {name} is there twice. {hint}")));
        }
        found = Some(decode(value).ok_or_else(|| invalid(format!("{name} is not well encoded. {hint}")))?);
    }
    Ok(found)
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            if !digits.iter().all(u8::is_ascii_hexdigit) {
                return None;
            }
            bytes.push(u8::from_str_radix(core::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

/// The JSON body.
///
/// # Errors
/// 413 when it is too large, 400 with `shape` when it is not what is expected.
pub(crate) async fn json<T: DeserializeOwned>(request: &mut Request, shape: &str) -> Result<T, Problem> {
    let too_large =
        || Problem::new(Code::TooLarge, format!("The body may have {MAX_BODY_BYTES} bytes at most."));
    let stated =
        request.headers().get("Content-Length").ok().flatten().and_then(|text| text.parse::<usize>().ok());
    if stated.is_some_and(|bytes| bytes > MAX_BODY_BYTES) {
        return Err(too_large());
    }
    let wrong = || invalid(format!("Send a JSON body of the form {shape}."));
    let mut body = Vec::new();
    let mut stream = request.stream().map_err(|_| wrong())?;
    while let Some(chunk) = stream.next().await {
        body.extend_from_slice(&chunk.map_err(|_| wrong())?);
        if body.len() > MAX_BODY_BYTES {
            return Err(too_large());
        }
    }
    serde_json::from_slice(&body).map_err(|_| wrong())
}
