//! Bodies, bounded while they are read; and headers, read at once.

use futures_util::io::AsyncReadExt as _;
use futures_util::stream::{self, Stream, StreamExt as _};
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

/// The most that [`long_pieces`] takes at once.
const PIECE_BYTES: usize = 64 * 1024;

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
fn chunks(body: ReadableStream) -> impl Stream<Item = Result<Vec<u8>, BrokenOff>> + Unpin {
    let chunks = wasm_streams::ReadableStream::from_raw(body).into_stream();
    chunks.map(|chunk| match chunk {
        Ok(bytes) => Ok(bytes.unchecked_into::<Uint8Array>().to_vec()),
        Err(_) => Err(BrokenOff),
    })
}

/// The same in long pieces, of what there is: a chunk is 4 kB at most, and to take one costs several times as long as to
/// search it.
///
/// # Errors
/// When it is no stream of bytes that is still to be read.
pub(crate) fn long_pieces(
    body: ReadableStream,
) -> Result<impl Stream<Item = Result<Vec<u8>, BrokenOff>>, BrokenOff> {
    let stream = wasm_streams::ReadableStream::from_raw(body);
    let reader = stream.try_into_async_read().map_err(|_| BrokenOff)?;
    let buffer = vec![0; PIECE_BYTES];
    Ok(stream::try_unfold((reader, buffer), |(mut reader, mut buffer)| async move {
        let length = reader.read(&mut buffer).await.map_err(|_| BrokenOff)?;
        let piece = buffer.get(..length).filter(|piece| !piece.is_empty()).map(<[u8]>::to_vec);
        Ok(piece.map(|piece| (piece, (reader, buffer))))
    }))
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
