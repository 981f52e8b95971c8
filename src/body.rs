//! Bodies of answers, bounded while they are read.

use futures_util::StreamExt as _;
use worker::{Response, ResponseBody};

/// The body, cut off behind so many bytes: whoever reads it finds that it is not whole.
pub(crate) async fn at_most(mut response: Response, bytes: usize) -> worker::Result<Vec<u8>> {
    let mut body = Vec::new();
    if matches!(response.body(), ResponseBody::Empty) {
        return Ok(body);
    }
    let mut stream = response.stream()?;
    while let Some(chunk) = stream.next().await {
        body.extend_from_slice(&chunk?);
        if body.len() > bytes {
            body.truncate(bytes);
            break;
        }
    }
    Ok(body)
}
