//! Bodies, bounded while they are read.

use futures_util::StreamExt as _;
use worker::web_sys::ReadableStream;
use worker::{ByteStream, Response};

/// A body ended before its end.
#[derive(Debug)]
pub(crate) struct BrokenOff;

/// Of a request that is too long, so many more bytes are read in vain: a client that is still sending would find the
/// connection closed, and not our answer.
const DRAINED_BYTES: usize = 8 * 1024 * 1024;

/// The body of an answer, or its beginning when it is longer than this: one byte more at least.
pub(crate) async fn of_answer(stream: ReadableStream, most: usize) -> Result<Vec<u8>, BrokenOff> {
    read(stream, most, 0).await
}

/// The same of a request.
pub(crate) async fn of_request(stream: ReadableStream, most: usize) -> Result<Vec<u8>, BrokenOff> {
    read(stream, most, DRAINED_BYTES).await
}

/// A short body that has stated its length, read at once: a stream costs several times as much.
pub(crate) async fn whole(response: &mut Response) -> Result<Vec<u8>, BrokenOff> {
    response.bytes().await.map_err(|_| BrokenOff)
}

async fn read(stream: ReadableStream, most: usize, drained: usize) -> Result<Vec<u8>, BrokenOff> {
    let mut stream = ByteStream::from(stream);
    let (mut body, mut in_vain) = (Vec::new(), 0);
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| BrokenOff)?;
        if body.len() <= most {
            body.extend_from_slice(&chunk);
        } else {
            in_vain += chunk.len();
        }
        if body.len() > most && in_vain >= drained {
            break;
        }
    }
    Ok(body)
}
