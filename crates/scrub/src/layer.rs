//! Layers of encoding: a text, what it says when its escapes are read, what that says, and so on.

use std::borrow::Cow;

/// A text after some decoding.
pub(super) struct Layer<'t> {
    pub(super) bytes: Cow<'t, [u8]>,
    /// Where each byte began in the text as it came, and the end of that; `None` where nothing is decoded yet.
    sources: Option<Vec<usize>>,
}

impl<'t> Layer<'t> {
    /// A text as it came.
    pub(super) const fn of(text: &'t [u8]) -> Self {
        Self { bytes: Cow::Borrowed(text), sources: None }
    }

    /// Where the byte at `at` began in the text as it came.
    pub(super) fn source(&self, at: usize) -> usize {
        let Some(sources) = &self.sources else { return at };
        sources.get(at).or(sources.last()).copied().unwrap_or_default()
    }

    /// The next layer; `None` when nothing is encoded in this one.
    pub(super) fn decoded(&self) -> Option<Layer<'static>> {
        // Up to the first escape there is nothing to read.
        let first = self.bytes.iter().position(|byte| begins_escape(*byte))?;
        let mut bytes = self.bytes.get(..first)?.to_vec();
        let mut sources: Vec<usize> = (0..first).map(|at| self.source(at)).collect();
        let (mut at, mut changed) = (first, false);
        while let Some(rest) = self.bytes.get(at..).filter(|rest| !rest.is_empty()) {
            if let Some(taken) = line_end(rest) {
                // The character that says that a line goes on is not part of it.
                if matches!(bytes.last(), Some(b'=' | b'\\')) {
                    bytes.pop();
                    sources.pop();
                }
                changed = true;
                at += taken;
                continue;
            }
            let (byte, taken) = unescaped(rest);
            changed |= taken > 1 || byte.is_none();
            if let Some(byte) = byte {
                bytes.push(byte);
                sources.push(self.source(at));
            }
            at += taken;
        }
        sources.push(self.source(self.bytes.len()));
        changed.then_some(Layer { bytes: Cow::Owned(bytes), sources: Some(sources) })
    }
}

/// Digits of a number in braces or of a character reference. A stream is held back for windows of such characters.
pub(super) const MAX_DIGITS: usize = 40;

const fn begins_escape(byte: u8) -> bool {
    matches!(byte, b'%' | b'\\' | b'&' | b'\r' | b'\n' | 0)
}

/// Whether a byte may be part of an escape, or of a text in one of our encodings. All others stand for themselves, and
/// for the same in each layer; spaces and tabs do so but at the beginning of a line ([`ends_line`]).
pub(super) const fn may_encode(byte: u8) -> bool {
    byte.is_ascii_graphic() || begins_escape(byte)
}

pub(super) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Whether a text ends with the end of a line, raw or in JSON, so that blanks after it are an indent.
pub(super) const fn ends_line(text: &[u8]) -> bool {
    matches!(text, [.., b'\r' | b'\n'] | [.., b'\\', b'r' | b'n' | b't'])
}

/// How many bytes the end of a line takes with the next one's indent, when a text begins with one. Long encodings are
/// broken into lines, and so are long strings and headers.
fn line_end(text: &[u8]) -> Option<usize> {
    let end = match text {
        [b'\r' | b'\n', ..] => 1,
        [b'\\', b'r' | b'n', ..] => 2,
        _ => return None,
    };
    let mut taken = end;
    loop {
        taken += match text.get(taken..).unwrap_or_default() {
            [blank, ..] if is_blank(*blank) => 1,
            [b'\\', b't', ..] => 2,
            _ => return Some(taken),
        };
    }
}

/// The character at the beginning of a text, and how many bytes stand for it. UTF-16 has zeros for nothing.
fn unescaped(text: &[u8]) -> (Option<u8>, usize) {
    let found = match text {
        [0, ..] => return (None, 1),
        [b'%', b'u' | b'U', digits @ ..] => number(digits, 4, 4, 16, 2),
        [b'%', digits @ ..] => number(digits, 2, 2, 16, 1),
        [b'\\', b'u', b'{', digits @ ..] => closed(digits, b'}', 16, 3),
        [b'\\', b'u', digits @ ..] => number(digits, 4, 4, 16, 2),
        [b'\\', b'U', digits @ ..] => number(digits, 8, 8, 16, 2).or_else(|| number(digits, 4, 4, 16, 2)),
        [b'\\', b'x', digits @ ..] => number(digits, 2, 2, 16, 2),
        [b'\\', kept @ (b'/' | b'\\' | b'"' | b'\'' | b'-' | b'_'), ..] => Some((*kept, 2)),
        [b'\\', digits @ ..] => number(digits, 1, 3, 8, 1),
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

/// The same with up to [`MAX_DIGITS`] digits, leading zeros among them, and something to end it.
fn closed(text: &[u8], end: u8, radix: u32, prefix: usize) -> Option<(u8, usize)> {
    let (byte, taken) = number(text, 1, MAX_DIGITS, radix, prefix)?;
    let ends = text.get(taken - prefix) == Some(&end);
    Some((byte, taken + usize::from(ends)))
}

/// HTML's names of characters that a token or a URL may have.
fn named(text: &[u8]) -> Option<(u8, usize)> {
    const NAMES: [(&[u8], u8); 13] = [
        (b"amp;", b'&'),
        (b"lowbar;", b'_'),
        (b"UnderBar;", b'_'),
        (b"hyphen;", b'-'),
        (b"dash;", b'-'),
        (b"percnt;", b'%'),
        (b"bsol;", b'\\'),
        (b"sol;", b'/'),
        (b"plus;", b'+'),
        (b"quot;", b'"'),
        (b"apos;", b'\''),
        (b"NewLine;", b'\n'),
        (b"Tab;", b'\t'),
    ];
    NAMES.iter().find(|(name, _)| text.starts_with(name)).map(|(name, byte)| (*byte, 1 + name.len()))
}
