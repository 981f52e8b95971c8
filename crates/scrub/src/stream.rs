//! A body that is scrubbed as it passes.

use super::Scrubber;
use std::rc::Rc;

/// No more bytes than these encode one window. What a stream holds back until it has seen what follows.
const LOOKAHEAD: usize = 4096;

/// Scrubs a body that comes in pieces. It holds back a few hundred bytes until it has seen what follows them.
#[derive(Debug)]
pub struct ScrubbedStream {
    scrubber: Rc<Scrubber>,
    /// Context that has gone on already, then what is held back; as it came.
    buffer: Vec<u8>,
    /// How much of the buffer has gone on.
    sent: usize,
    has_found: bool,
}

impl ScrubbedStream {
    /// A stream that nothing has come through yet.
    pub const fn new(scrubber: Rc<Scrubber>) -> Self {
        Self { scrubber, buffer: Vec::new(), sent: 0, has_found: false }
    }

    /// Takes the next piece; gives back what may go on.
    pub fn push(&mut self, piece: &[u8]) -> Vec<u8> {
        self.buffer.extend_from_slice(piece);
        let until = self.buffer.len().saturating_sub(LOOKAHEAD).max(self.sent);
        let ready = self.take(until);
        let context = self.sent.saturating_sub(LOOKAHEAD);
        self.buffer.drain(..context);
        self.sent -= context;
        ready
    }

    /// Whether there has been a part of a secret so far.
    pub const fn has_found(&self) -> bool {
        self.has_found
    }

    /// Ends the body; gives back the rest of it.
    pub fn finish(&mut self) -> Vec<u8> {
        self.take(self.buffer.len())
    }

    fn take(&mut self, until: usize) -> Vec<u8> {
        if until == self.sent {
            return Vec::new();
        }
        let mut masked = self.buffer.clone();
        self.has_found |= self.scrubber.mask(&mut masked);
        let ready = masked.get(self.sent..until).unwrap_or_default().to_vec();
        self.sent = until;
        ready
    }
}
