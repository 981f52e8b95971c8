//! Keeps the secrets that we put into an upstream call out of its answer.
//!
//! Error pages, headers and some of WeChat's own APIs quote the URL they were asked by, and that URL holds
//! the token or the AppSecret. A [`Scrubber`] finds every run of [`WINDOW`] or more bytes of a secret in an
//! answer and overwrites it in place, so that lengths stay as they are. It looks through percent-encoding,
//! JSON and JavaScript escapes, HTML character references, UTF-16 and line breaks, nested to a depth of
//! [`MAX_LAYERS`], knows the secret in base64 and hex, and ignores case.
//!
//! Out of scope: what is compressed or encrypted inside a body (docs/security.md says what that means).

use crate::digest::hex;
use crate::wechat::request::in_query;
use base64ct::{Base64Unpadded, Encoding as _};
use std::rc::Rc;

/// The shortest run of a secret that is recognised, in characters of its encoded form. Twelve characters of
/// a token are 72 bits: no other text has them by accident.
pub const WINDOW: usize = 12;

/// How many layers of encoding are looked through.
pub const MAX_LAYERS: usize = 5;

/// No more bytes than these encode one window. What a stream holds back until it has seen what follows.
const LOOKAHEAD: usize = 512;

/// What a byte of a secret is overwritten with. It needs no escape in JSON, HTML, XML or a URL.
const MASK: u8 = b'*';

/// Finds and masks a set of secrets.
pub struct Scrubber {
    /// Each secret in each of its forms, folded as [`fold`] does.
    forms: Vec<Vec<u8>>,
    /// Which hashes of four bytes occur in a form: most positions of a text are passed over by this alone.
    seen: Box<[u64; SEEN_WORDS]>,
}

const SEEN_WORDS: usize = 1024;
const SEEN_BYTES: usize = 4;

impl core::fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Scrubber")
    }
}

impl Scrubber {
    /// A scrubber for these secrets. Those shorter than four bytes are ignored: they could not be told from
    /// other text.
    pub fn new<'s>(secrets: impl IntoIterator<Item = &'s str>) -> Self {
        let forms: Vec<Vec<u8>> = secrets
            .into_iter()
            .flat_map(forms_of)
            .filter(|form| form.len() >= SEEN_BYTES)
            .map(|form| form.into_iter().map(fold).collect())
            .collect();
        let mut seen = Box::new([0; SEEN_WORDS]);
        for start in forms.iter().flat_map(|form| form.windows(SEEN_BYTES)) {
            let (word, bit) = place(start);
            if let Some(word) = seen.get_mut(word) {
                *word |= bit;
            }
        }
        Self { forms, seen }
    }

    /// Whether a text holds a part of a secret.
    pub fn finds(&self, text: &[u8]) -> bool {
        self.marks(text).is_some()
    }

    /// Overwrites what a text holds of a secret; says whether there was anything.
    pub fn mask(&self, text: &mut [u8]) -> bool {
        let Some(marks) = self.marks(text) else { return false };
        for (byte, _) in text.iter_mut().zip(marks).filter(|(_, marked)| *marked) {
            *byte = MASK;
        }
        true
    }

    /// Which bytes belong to a secret; `None` when none does.
    fn marks(&self, text: &[u8]) -> Option<Vec<bool>> {
        let mut marks = None;
        let mut layer = Layer::of(text);
        for depth in 0.. {
            self.mark(&layer, text.len(), &mut marks);
            if depth == MAX_LAYERS {
                break;
            }
            let Some(next) = layer.decoded() else { break };
            layer = next;
        }
        marks
    }

    fn mark(&self, layer: &Layer, length: usize, marks: &mut Option<Vec<bool>>) {
        for (start, four) in layer.bytes.windows(SEEN_BYTES).enumerate() {
            let (word, bit) = place(four);
            if self.seen.get(word).is_none_or(|word| word & bit == 0) {
                continue;
            }
            let rest = layer.bytes.get(start..).unwrap_or_default();
            if let Some(end) = self.run(rest).map(|run| start + run) {
                let marks = marks.get_or_insert_with(|| vec![false; length]);
                let span = layer.source(start)..layer.source(end);
                marks.get_mut(span).unwrap_or_default().fill(true);
            }
        }
    }

    /// How many bytes at the beginning of a text are a window of a secret, or a whole short secret.
    fn run(&self, text: &[u8]) -> Option<usize> {
        let matches = |form: &&Vec<u8>| {
            let window = form.len().min(WINDOW);
            text.get(..window).is_some_and(|start| form.windows(window).any(|part| part == start))
        };
        self.forms.iter().filter(matches).map(|form| form.len().min(WINDOW)).max()
    }
}

/// Scrubs a body that comes in pieces. It holds back a few hundred bytes until it has seen what follows them.
#[derive(Debug)]
pub struct ScrubbedStream {
    scrubber: Rc<Scrubber>,
    /// Context that has gone on already, then what is held back; as it came.
    buffer: Vec<u8>,
    /// How much of the buffer has gone on.
    sent: usize,
}

impl ScrubbedStream {
    /// A stream that nothing has come through yet.
    pub const fn new(scrubber: Rc<Scrubber>) -> Self {
        Self { scrubber, buffer: Vec::new(), sent: 0 }
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

    /// Ends the body; gives back the rest of it.
    pub fn finish(&mut self) -> Vec<u8> {
        self.take(self.buffer.len())
    }

    fn take(&mut self, until: usize) -> Vec<u8> {
        if until == self.sent {
            return Vec::new();
        }
        let mut masked = self.buffer.clone();
        self.scrubber.mask(&mut masked);
        let ready = masked.get(self.sent..until).unwrap_or_default().to_vec();
        self.sent = until;
        ready
    }
}

/// A secret as it stands, and in hex and base64: as it stands, and as the URL that we send has it.
fn forms_of(secret: &str) -> Vec<Vec<u8>> {
    let sent = in_query(secret).to_string();
    let mut forms = vec![secret.as_bytes().to_vec()];
    forms.extend(packed(secret));
    if sent != secret {
        forms.extend(packed(&sent));
    }
    forms
}

/// A text in hex, and in base64 at each of the three places that it can have in a longer one.
fn packed(text: &str) -> impl Iterator<Item = Vec<u8>> {
    let in_base64 = |before: usize| {
        let mut longer = vec![0; before];
        longer.extend_from_slice(text.as_bytes());
        let encoded = Base64Unpadded::encode_string(&longer);
        // Only characters that hold nothing but the text's own bits.
        let from = (before * 8).div_ceil(6);
        let until = longer.len() * 8 / 6;
        encoded.as_bytes().get(from..until).map(<[u8]>::to_vec)
    };
    (0..3).filter_map(in_base64).chain([hex(text.as_bytes()).into_bytes()])
}

/// Equal for what a reader would take for the same: letters of either case, both alphabets of base64.
const fn fold(byte: u8) -> u8 {
    match byte {
        b'+' => b'-',
        b'/' => b'_',
        _ => byte.to_ascii_lowercase(),
    }
}

fn place(four: &[u8]) -> (usize, u64) {
    let number = four.iter().fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
    let hash = number.wrapping_mul(0x9e37_79b1) >> 16;
    (usize::try_from(hash >> 6).unwrap_or_default(), 1 << (hash & 63))
}

/// A text after some decoding: its bytes, folded, and where each began in the text as it came.
struct Layer {
    bytes: Vec<u8>,
    /// The same as they stand.
    plain: Vec<u8>,
    /// One more than there are bytes: the end of the text is the last.
    sources: Vec<usize>,
}

impl Layer {
    fn of(text: &[u8]) -> Self {
        let bytes = text.iter().copied().map(fold).collect();
        Self { bytes, plain: text.to_vec(), sources: (0..=text.len()).collect() }
    }

    fn source(&self, at: usize) -> usize {
        self.sources.get(at).or(self.sources.last()).copied().unwrap_or_default()
    }

    /// The next layer; `None` when nothing is encoded in this one.
    fn decoded(&self) -> Option<Self> {
        if !self.plain.iter().any(|byte| matches!(byte, b'%' | b'\\' | b'&' | b'\r' | b'\n' | 0)) {
            return None;
        }
        let (mut plain, mut sources) = (Vec::with_capacity(self.plain.len()), Vec::new());
        let (mut at, mut changed) = (0, false);
        while let Some(rest) = self.plain.get(at..).filter(|rest| !rest.is_empty()) {
            let (byte, taken) = unescaped(rest);
            changed |= taken > 1 || byte.is_none();
            if let Some(byte) = byte {
                plain.push(byte);
                sources.push(self.source(at));
            }
            at += taken;
        }
        sources.push(self.source(self.plain.len()));
        changed.then(|| Self { bytes: plain.iter().copied().map(fold).collect(), plain, sources })
    }
}

/// The character at the beginning of a text, and how many bytes stand for it. UTF-16 has zeros for nothing, and base64
/// may be broken into lines.
fn unescaped(text: &[u8]) -> (Option<u8>, usize) {
    let found = match text {
        [0 | b'\r' | b'\n', ..] => return (None, 1),
        [b'\\', b'r' | b'n', ..] => return (None, 2),
        [b'%', b'u' | b'U', digits @ ..] => number(digits, 4, 4, 16, 2),
        [b'%', digits @ ..] => number(digits, 2, 2, 16, 1),
        [b'\\', b'u', b'{', digits @ ..] => closed(digits, b'}', 16, 3),
        [b'\\', b'u' | b'U', digits @ ..] => number(digits, 4, 4, 16, 2),
        [b'\\', b'x', digits @ ..] => number(digits, 2, 2, 16, 2),
        [b'\\', kept @ (b'/' | b'\\' | b'"' | b'\'' | b'-' | b'_'), ..] => Some((*kept, 2)),
        [b'&', b'#', b'x' | b'X', digits @ ..] => closed(digits, b';', 16, 3),
        [b'&', b'#', digits @ ..] => closed(digits, b';', 10, 2),
        [b'&', name @ ..] => named(name),
        _ => None,
    };
    found.map_or((text.first().copied(), 1), |(byte, taken)| (Some(byte), taken))
}

/// A number of some digits in ASCII; with `prefix` more bytes before it, that many stand for the character.
fn number(text: &[u8], least: usize, most: usize, radix: u32, prefix: usize) -> Option<(u8, usize)> {
    let digits = text.iter().take(most).take_while(|byte| char::from(**byte).is_digit(radix)).count();
    let value = text.get(..digits).filter(|_| digits >= least)?.iter().try_fold(0_u32, |value, byte| {
        value.checked_mul(radix)?.checked_add(char::from(*byte).to_digit(radix)?)
    })?;
    u8::try_from(value).ok().filter(u8::is_ascii).map(|byte| (byte, prefix + digits))
}

/// The same with up to eight digits, which this may end.
fn closed(text: &[u8], end: u8, radix: u32, prefix: usize) -> Option<(u8, usize)> {
    let (byte, taken) = number(text, 1, 8, radix, prefix)?;
    let ends = text.get(taken - prefix) == Some(&end);
    Some((byte, taken + usize::from(ends)))
}

/// HTML's names of characters that a token or a URL may have.
fn named(text: &[u8]) -> Option<(u8, usize)> {
    const NAMES: [(&[u8], u8); 9] = [
        (b"amp;", b'&'),
        (b"lowbar;", b'_'),
        (b"UnderBar;", b'_'),
        (b"hyphen;", b'-'),
        (b"dash;", b'-'),
        (b"percnt;", b'%'),
        (b"bsol;", b'\\'),
        (b"sol;", b'/'),
        (b"plus;", b'+'),
    ];
    NAMES.iter().find(|(name, _)| text.starts_with(name)).map(|(name, byte)| (*byte, 1 + name.len()))
}

#[cfg(test)]
mod tests;
