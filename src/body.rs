//! Bodies, bounded while they are read; and headers, read at once.

use futures_util::{Stream, StreamExt as _};
use js_sys::futures::JsFuture;
use js_sys::{Array, JSON, Uint8Array};
use wasm_bindgen::JsCast as _;
use worker::web_sys::{Headers, ReadableStream, Response};

/// A body ended before its end.
#[derive(Debug)]
pub(crate) struct BrokenOff;

/// How much more of a request that is too long is read in vain, in bytes: a client that is still sending would find the
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

/// A short body that has stated its length, read at once by JavaScript: chunk by chunk it would take several times as long.
pub(crate) async fn whole(response: &Response) -> Result<Vec<u8>, BrokenOff> {
    let buffer = response.array_buffer().map_err(|_| BrokenOff)?;
    let buffer = JsFuture::from(buffer).await.map_err(|_| BrokenOff)?;
    Ok(Uint8Array::new(&buffer).to_vec())
}

/// All headers, in three calls of JavaScript: the iterator of `Headers` takes six for each.
pub(crate) fn header_list(headers: &Headers) -> Vec<(String, String)> {
    let list = Array::from(headers);
    let text = JSON::stringify(&list).ok().and_then(|text| text.as_string());
    text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

/// A body, chunk by chunk. Not a `worker::ByteStream`: that takes an error which says "aborted" for the end of the body.
pub(crate) fn chunks(body: ReadableStream) -> impl Stream<Item = Result<Vec<u8>, BrokenOff>> + Unpin {
    let chunks = wasm_streams::ReadableStream::from_raw(body).into_stream();
    chunks.map(|chunk| match chunk {
        Ok(bytes) => Ok(bytes.unchecked_into::<Uint8Array>().to_vec()),
        // Its text may hold the URL.
        Err(_) => Err(BrokenOff),
    })
}

async fn read(body: ReadableStream, most: usize, drained: usize) -> Result<Vec<u8>, BrokenOff> {
    let mut stream = chunks(body);
    let (mut body, mut in_vain) = (Vec::new(), 0);
    while let Some(chunk) = stream.next().await {
        let chunk = chunk?;
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
