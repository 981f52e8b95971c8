//! Bodies of answers, bounded while they are read.

use crate::glue;
use worker::Response;
use worker::worker_sys::web_sys;

/// The body, cut off behind so many bytes: whoever reads it finds that it is not whole.
pub(crate) async fn at_most(response: Response, bytes: usize) -> worker::Result<Vec<u8>> {
    let Some(stream) = web_sys::Response::from(response).body() else { return Ok(Vec::new()) };
    let mut body = glue::read(stream, bytes)
        .await
        .map_err(|_| worker::Error::RustError("a body broke off".to_owned()))?;
    body.truncate(bytes);
    Ok(body)
}
