//! What a request brings along: query and body, bounded before they are read.

use crate::incoming::Incoming;
use serde::de::DeserializeOwned;
use zhongkong_core::json;
use zhongkong_core::problem::{Code, Problem};
use zhongkong_core::request::query::{self, QueryError};

/// No request of the native API has a larger body.
const MAX_BODY_BYTES: usize = 16 * 1024;

pub(crate) fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(Code::InvalidRequest, detail)
}

/// The query parameters `names` of a request, percent-decoded exactly once; `+` stays `+`. Any other
/// parameter is refused, with `hint`: it is a slip, or the rest of a value that was not encoded.
pub(crate) fn parameters<const N: usize>(
    request: &Incoming,
    names: [&str; N],
    hint: &str,
) -> Result<[Option<String>; N], Problem> {
    query::parameters(request.query().unwrap_or_default(), names).map_err(|error| {
        let name = |place: usize| names.get(place).copied().unwrap_or_default();
        invalid(match error {
            QueryError::Unknown => {
                format!("This path knows no query parameter but {}. {hint}", names.join(", "))
            }
            QueryError::Twice(place) => {
                format!("The query parameter {} is there twice. {hint}", name(place))
            }
            QueryError::Encoding(place) => format!("{} is not well encoded. {hint}", name(place)),
        })
    })
}

/// The one query parameter `name`.
pub(crate) fn only_parameter(request: &Incoming, name: &str, hint: &str) -> Result<Option<String>, Problem> {
    parameters(request, [name], hint).map(|[value]| value)
}

/// The JSON body.
///
/// # Errors
/// 413 when it is too large, 400 with `shape` when it is not what is expected.
pub(crate) async fn json<T: DeserializeOwned>(request: &Incoming, shape: &str) -> Result<T, Problem> {
    object(&bytes(request).await?, shape)
}

/// The JSON object that a body holds: all of its fields have a place, and none stands twice. `T` is a struct.
///
/// # Errors
/// 400 with `shape`.
pub(crate) fn object<T: DeserializeOwned>(body: &[u8], shape: &str) -> Result<T, Problem> {
    let read = std::str::from_utf8(body).ok().and_then(|text| json::read_exactly(text).ok());
    read.ok_or_else(|| invalid(format!("Send a JSON body of the form {shape}.")))
}

/// The body, within its bound.
///
/// # Errors
/// 413 when it is too large, 400 when it breaks off.
pub(crate) async fn bytes(request: &Incoming) -> Result<Vec<u8>, Problem> {
    let too_large =
        || Problem::new(Code::TooLarge, format!("The body may have {MAX_BODY_BYTES} bytes at most."));
    if request.stated_bytes().is_some_and(|bytes| bytes > MAX_BODY_BYTES) {
        return Err(too_large());
    }
    let body = request.body(MAX_BODY_BYTES).await.map_err(|_| invalid("The body could not be read."))?;
    if body.len() > MAX_BODY_BYTES { Err(too_large()) } else { Ok(body) }
}
