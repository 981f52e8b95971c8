//! Bodies that requests bring along, bounded before they are read.

use crate::context::RequestContext;
use serde::de::DeserializeOwned;
use zhongkong_core::encoding::object_from_request;
use zhongkong_core::http::parameters::invalid;
use zhongkong_core::problem::{Code, Problem};

/// No request of the native API has a larger body.
const MAX_BODY_BYTES: usize = 16 * 1024;

/// The JSON body, into a struct that denies unknown fields.
///
/// # Errors
/// 413 when it is too large, 400 with `shape` when it is not what is expected.
pub(crate) async fn json<T: DeserializeOwned>(request: &RequestContext, shape: &str) -> Result<T, Problem> {
    object(&bytes(request).await?, shape)
}

/// The JSON object that a body holds: all of its fields have a place, and none stands twice.
///
/// # Errors
/// 400 with `shape`.
pub(crate) fn object<T: DeserializeOwned>(body: &[u8], shape: &str) -> Result<T, Problem> {
    object_from_request(body).map_err(|_| invalid(format!("Send a JSON body of the form {shape}.")))
}

/// The body, within its bound.
///
/// # Errors
/// 413 when it is too large, 400 when it breaks off.
pub(crate) async fn bytes(request: &RequestContext) -> Result<Vec<u8>, Problem> {
    let too_large =
        || Problem::new(Code::TooLarge, format!("The body may have {MAX_BODY_BYTES} bytes at most."));
    if request.stated_bytes().is_some_and(|bytes| bytes > MAX_BODY_BYTES) {
        return Err(too_large());
    }
    let body = request.body(MAX_BODY_BYTES).await.map_err(|_| invalid("The body could not be read."))?;
    if body.len() > MAX_BODY_BYTES { Err(too_large()) } else { Ok(body) }
}
