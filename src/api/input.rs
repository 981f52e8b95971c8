//! What a request brings along: query and body, bounded before they are read.

use futures_util::StreamExt as _;
use serde::de::DeserializeOwned;
use worker::Request;
use zhongkong_core::problem::{Code, Problem};
use zhongkong_core::request::query::{self, QueryError};

/// No request of the native API has a larger body.
const MAX_BODY_BYTES: usize = 16 * 1024;

pub(crate) fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(Code::InvalidRequest, detail)
}

/// The query parameters `names` of a URL, percent-decoded exactly once; `+` stays `+`. Any other
/// parameter is refused, with `hint`: it is a slip, or the rest of a value that was not encoded.
pub(crate) fn parameters<const N: usize>(
    url: &str,
    names: [&str; N],
    hint: &str,
) -> Result<[Option<String>; N], Problem> {
    let Some((_, query)) = url.split_once('?') else { return Ok([const { None }; N]) };
    query::parameters(query, names).map_err(|error| {
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
pub(crate) fn only_parameter(url: &str, name: &str, hint: &str) -> Result<Option<String>, Problem> {
    parameters(url, [name], hint).map(|[value]| value)
}

/// The JSON body.
///
/// # Errors
/// 413 when it is too large, 400 with `shape` when it is not what is expected.
pub(crate) async fn json<T: DeserializeOwned>(request: &mut Request, shape: &str) -> Result<T, Problem> {
    object(&bytes(request).await?, shape)
}

/// The JSON object that a body holds. serde would take a list of the fields' values as well.
///
/// # Errors
/// 400 with `shape`.
pub(crate) fn object<T: DeserializeOwned>(body: &[u8], shape: &str) -> Result<T, Problem> {
    let is_object = body.trim_ascii_start().starts_with(b"{");
    let read = serde_json::from_slice(body).ok().filter(|_| is_object);
    read.ok_or_else(|| invalid(format!("Send a JSON body of the form {shape}.")))
}

/// The body, within its bound.
///
/// # Errors
/// 413 when it is too large, 400 when it breaks off.
pub(crate) async fn bytes(request: &mut Request) -> Result<Vec<u8>, Problem> {
    let too_large =
        || Problem::new(Code::TooLarge, format!("The body may have {MAX_BODY_BYTES} bytes at most."));
    let stated =
        request.headers().get("Content-Length").ok().flatten().and_then(|text| text.parse::<usize>().ok());
    if stated.is_some_and(|bytes| bytes > MAX_BODY_BYTES) {
        return Err(too_large());
    }
    let broken = || invalid("The body could not be read.");
    let mut body = Vec::new();
    if request.inner().body().is_none() {
        return Ok(body);
    }
    let mut stream = request.stream().map_err(|_| broken())?;
    while let Some(chunk) = stream.next().await {
        body.extend_from_slice(&chunk.map_err(|_| broken())?);
        if body.len() > MAX_BODY_BYTES {
            return Err(too_large());
        }
    }
    Ok(body)
}
