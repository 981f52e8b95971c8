//! A body on its way to WeChat: kept, so that it can be sent a second time, or streamed; each with a limit for one that
//! stops coming.

use super::upstream::PATIENCE;
use crate::body::{self, BrokenOff};
use crate::context::RequestContext;
use crate::platform;
use futures_channel::oneshot::{self, Receiver};
use futures_util::StreamExt as _;
use futures_util::stream::Stream;
use js_sys::Uint8Array;
use js_sys::futures::JsFuture;
use std::pin::pin;
use std::time::Duration;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::web_sys::{ReadableStream, WritableStream, WritableStreamDefaultWriter};
use zhongkong_core::facade::kept::{Budget, Share};
use zhongkong_core::facade::{OwnKeys, is_text};

/// A larger request is not kept for a second time.
const KEPT_BYTES: usize = 1024 * 1024;

/// All that are kept at once in an isolate, which has 128 MB. Beyond it a body is passed on as it comes, once.
const KEPT_TOGETHER: usize = 24 * 1024 * 1024;

/// So small a body is not counted: an isolate has no room for as many requests as would come to much.
const UNCOUNTED_BYTES: usize = 16 * 1024;

thread_local! {
    static KEPT: Budget = Budget::of(KEPT_TOGETHER);
}

/// A streamed body of which nothing comes for this long has stopped.
const STALLED: Duration = Duration::from_secs(30);

/// One that is kept is read at once, in this time and a second for each 8 kB.
const SLOWEST: u64 = 8 * 1024;

const UNREAD: &str = "The body could not be read.";
pub(super) const STOPPED: &str =
    "The body did not come whole: nothing of it came for 30 s, it came too slowly, or its connection broke.";
const FULL: &str = "Too many bodies of yours are on their way: send this one again in a moment.";
const HOLDS_A_KEY: &str = "A caller's key or virtual token stands in the body, which would go on to WeChat.";

pub(super) enum Body {
    None,
    /// Its bytes, which stay where they are: in JavaScript.
    Kept(JsValue, Option<Share>),
    /// As it comes, and its length in bytes.
    Stream(ReadableStream, usize),
    /// It was a stream, and has been sent.
    Gone,
}

/// What is handed to `fetch`.
pub(super) enum Handed {
    Nothing,
    Whole(JsValue),
    /// The end that is read from, and word of when all has been.
    Piped(ReadableStream, Receiver<Sent>),
}

/// What became of a streamed body.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    Whole,
    /// The caller has stopped sending, or its connection broke off.
    Stopped,
    /// WeChat takes no more of it.
    Refused,
}

#[wasm_bindgen]
extern "C" {
    /// A stream that states its length; `fetch` would send it in chunks otherwise, which WeChat does not take (412).
    type FixedLengthStream;
    #[wasm_bindgen(constructor, catch)]
    fn new(length: f64) -> Result<FixedLengthStream, JsValue>;
    #[wasm_bindgen(method, getter)]
    fn readable(this: &FixedLengthStream) -> ReadableStream;
    #[wasm_bindgen(method, getter)]
    fn writable(this: &FixedLengthStream) -> WritableStream;
}

impl Body {
    /// Takes the body of a request; a small one is read. One that states no length is read as well, since WeChat takes
    /// none without (412). `by` is the caller, whose share of what can be kept it uses.
    ///
    /// # Errors
    /// What to tell the caller.
    pub(super) async fn of(
        request: &RequestContext,
        by: &str,
        own_keys: &OwnKeys<'_>,
        stream: ReadableStream,
    ) -> Result<Self, &'static str> {
        let kind = request.header("Content-Type").unwrap_or_default();
        let Some(stated) = request.stated_bytes() else {
            let room = room_for(by, KEPT_BYTES)?;
            let body = platform::timeout(body::of_request(stream, KEPT_BYTES), longest(KEPT_BYTES));
            let bytes = body.await.ok_or(STOPPED)?.map_err(|BrokenOff| UNREAD)?;
            if bytes.len() > KEPT_BYTES {
                return Err("A body of more than 1 MB has to state its Content-Length.");
            }
            if own_keys.stand_in_body(&kind, &bytes) {
                return Err(HOLDS_A_KEY);
            }
            return Ok(Self::Kept(Uint8Array::new_from_slice(&bytes).into(), room));
        };
        let room = if stated <= KEPT_BYTES { room_for(by, stated) } else { Err(FULL) };
        let Ok(room) = room else {
            // What is to be looked into does not pass unread for that.
            let is_unread = stated <= KEPT_BYTES && !kind.is_empty() && is_text(&kind);
            return if is_unread { Err(FULL) } else { Ok(Self::Stream(stream, stated)) };
        };
        let body = platform::timeout(request.array_buffer(), longest(stated));
        let bytes = body.await.ok_or(STOPPED)?.map_err(|BrokenOff| UNREAD)?;
        // A Worker that calls by a binding may state what it likes.
        if bytes.byte_length() as usize > KEPT_BYTES {
            return Err("The body is longer than its Content-Length says.");
        }
        if is_text(&kind) && own_keys.stand_in_body(&kind, &Uint8Array::new(&bytes).to_vec()) {
            return Err(HOLDS_A_KEY);
        }
        Ok(Self::Kept(bytes.into(), room))
    }

    /// What is to be sent; `None` for a stream that has been, and for one that cannot be read.
    pub(super) fn hand(&mut self, context: &worker::Context) -> Option<Handed> {
        match std::mem::replace(self, Self::Gone) {
            Self::None => {
                *self = Self::None;
                Some(Handed::Nothing)
            }
            Self::Kept(bytes, room) => {
                *self = Self::Kept(bytes.clone(), room);
                Some(Handed::Whole(bytes))
            }
            Self::Stream(stream, stated) => piped(stream, stated, context),
            Self::Gone => None,
        }
    }
}

/// A share of what may be kept, for as long as a call with such a body may take: to come, to be answered, and to be sent
/// and answered once more. Short bodies need none.
fn room_for(by: &str, bytes: usize) -> Result<Option<Share>, &'static str> {
    if bytes <= UNCOUNTED_BYTES {
        return Ok(None);
    }
    let life = longest(bytes) + 2 * PATIENCE;
    let life_ms = u64::try_from(life.as_millis()).unwrap_or(u64::MAX);
    let share = KEPT.with(|kept| kept.take(by, bytes, platform::now_millis(), life_ms));
    share.map(Some).ok_or(FULL)
}

/// The longest that a body of this length may take to come.
fn longest(bytes: usize) -> Duration {
    STALLED + Duration::from_secs(u64::try_from(bytes).unwrap_or(u64::MAX) / SLOWEST)
}

/// A body that passes piece by piece, so that it can be told whether it still comes: a promise of the runtime's own
/// `pipeTo` tells only of the end. It goes on beside the request, since WeChat may answer before it has been read.
fn piped(body: ReadableStream, stated: usize, context: &worker::Context) -> Option<Handed> {
    let pieces = body::long_pieces(body).ok()?;
    // No body has 2^53 bytes.
    #[expect(clippy::cast_precision_loss, reason = "a length")]
    let stream = FixedLengthStream::new(stated as f64).ok()?;
    let writer = stream.writable().get_writer().ok()?;
    let (tell, told) = oneshot::channel();
    context.wait_until(async move {
        let sent = write_all(pieces, &writer).await;
        if sent != Sent::Whole {
            drop(writer.abort());
        }
        // The receiver is gone where the answer was there before.
        tell.send(sent).ok();
    });
    Some(Handed::Piped(stream.readable(), told))
}

async fn write_all(
    pieces: impl Stream<Item = Result<Vec<u8>, BrokenOff>>,
    writer: &WritableStreamDefaultWriter,
) -> Sent {
    let mut pieces = pin!(pieces);
    loop {
        let piece = match platform::timeout(pieces.next(), STALLED).await {
            Some(Some(Ok(piece))) => piece,
            Some(None) => break,
            Some(Some(Err(BrokenOff))) | None => return Sent::Stopped,
        };
        let written = JsFuture::from(writer.write_with_chunk(&Uint8Array::new_from_slice(&piece)));
        if !matches!(platform::timeout(written, STALLED).await, Some(Ok(_))) {
            return Sent::Refused;
        }
    }
    match platform::timeout(JsFuture::from(writer.close()), STALLED).await {
        Some(Ok(_)) => Sent::Whole,
        // Fewer bytes came than were stated.
        Some(Err(_)) => Sent::Stopped,
        None => Sent::Refused,
    }
}
