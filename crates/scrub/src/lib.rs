//! Keeps the secrets that we put into an upstream call out of its answer.
//!
//! Error pages, headers and some of WeChat's own APIs quote the URL they were asked by, and that URL holds
//! the token or the AppSecret. A [`Scrubber`] finds every run of [`WINDOW`] or more characters of a secret in an
//! answer and overwrites it in place, so that lengths stay as they are. It looks through percent-encoding,
//! JSON and JavaScript escapes, HTML character references, UTF-16 and line breaks with an indent, nested to a depth
//! of [`MAX_LAYERS`], knows the secret in base64 and hex, and ignores case.
//!
//! Out of scope: what is compressed or encrypted inside a body (docs/security.md says what that means).

mod forms;
mod layer;
mod stream;

pub use stream::ScrubbedStream;

use forms::{Form, fold, forms_of};
use layer::Layer;
use std::ops::Range;

/// The shortest run of a secret that is recognised, in characters of the secret, however they are encoded. Twelve
/// characters of a token are 72 bits, of an AppSecret 48: no other text has them by accident, and who sends guesses to see
/// which come back masked needs a hundred terabytes of them.
pub const WINDOW: usize = 12;

/// How many layers of encoding are looked through.
pub const MAX_LAYERS: usize = 5;

/// What a byte of a secret is overwritten with. It needs no escape in JSON, HTML, XML or a URL.
const MASK: u8 = b'*';

/// Finds and masks a set of secrets.
#[derive(Clone)]
pub struct Scrubber {
    /// Each secret in each of its forms.
    forms: Vec<Form>,
    /// Where windows begin in the forms, ordered by their first bytes.
    windows: Vec<Window>,
    /// Which hashes of those first bytes there are: most positions of a text are passed over by this alone.
    seen: Box<[u64; SEEN_WORDS]>,
    /// Which bytes may be part of a secret in some encoding. What has none in between, as an image has, is passed over.
    is_text: [bool; 256],
    /// Whether what follows a name such as `access_token=` is masked, whatever it is.
    by_name: bool,
}

/// `secret=` and a character.
const SHORTEST_NAMED: usize = 8;

/// The names under which secrets stand in the URLs that we send.
const NAMES: [&[u8]; 2] = [b"access_token", b"secret"];

/// A place in a form that a run of it may begin at.
#[derive(Clone)]
struct Window {
    first: u32,
    form: usize,
    run: Range<usize>,
}

const SEEN_WORDS: usize = 1024;
/// How many bytes [`Window::first`] holds.
const FIRST_BYTES: usize = 4;

impl core::fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Scrubber")
    }
}

impl Scrubber {
    /// A scrubber for these secrets. Those shorter than four bytes are ignored: they could not be told from
    /// other text.
    pub fn new<'s>(secrets: impl IntoIterator<Item = &'s str>) -> Self {
        let long = secrets.into_iter().filter(|secret| secret.len() >= FIRST_BYTES);
        let mut forms: Vec<Form> = long.flat_map(forms_of).collect();
        let mut windows: Vec<Window> = forms.iter_mut().enumerate().flat_map(windows_of).collect();
        windows.sort_unstable_by_key(|window| window.first);
        let mut seen = Box::new([0; SEEN_WORDS]);
        for window in &windows {
            let (word, bit) = place(window.first);
            if let Some(word) = seen.get_mut(word) {
                *word |= bit;
            }
        }
        let is_text = std::array::from_fn(|byte| {
            let byte = u8::try_from(byte).unwrap_or_default();
            layer::may_encode(byte) || forms.iter().any(|form| form.bytes.contains(&fold(byte)))
        });
        Self { forms, windows, seen, is_text, by_name: false }
    }

    /// The same, and it masks what follows a name such as `access_token=`, whatever it is. For error pages: those quote a
    /// URL cut short, and who knows eleven characters of a secret has a page quote guesses of the twelfth.
    #[must_use]
    pub fn by_name(&self) -> Self {
        Self { by_name: true, ..self.clone() }
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
        let shortest = self.windows.iter().map(|window| window.run.len()).min()?;
        let shortest = if self.by_name { SHORTEST_NAMED } else { shortest };
        let mut marks = None;
        for part in self.parts(text).filter(|part| part.len() >= shortest) {
            let from = part.start;
            self.marks_of_part(text.get(part).unwrap_or_default(), |found| {
                let marks: &mut Vec<bool> = marks.get_or_insert_with(|| vec![false; text.len()]);
                marks.get_mut(from + found.start..from + found.end).unwrap_or_default().fill(true);
            });
        }
        marks
    }

    /// The parts of a text that may hold secrets, and nothing of a secret goes on from one to the next.
    fn parts<'t>(&'t self, text: &'t [u8]) -> impl Iterator<Item = Range<usize>> + 't {
        let mut rest = 0;
        core::iter::from_fn(move || {
            let start = rest;
            let ahead = text.get(start..).filter(|ahead| !ahead.is_empty())?;
            let mut is_indent = false;
            let ends = ahead.iter().enumerate().position(|(at, byte)| {
                is_indent = layer::is_blank(*byte)
                    && (self.by_name || is_indent || layer::ends_line(ahead.get(..at).unwrap_or_default()));
                !is_indent && !self.is_text.get(usize::from(*byte)).is_some_and(|is| *is)
            });
            let end = ends.map_or(text.len(), |at| start + at);
            rest = end + 1;
            Some(start..end)
        })
    }

    /// Tells what belongs to a secret in a text, layer by layer.
    fn marks_of_part(&self, text: &[u8], mut found: impl FnMut(Range<usize>)) {
        let mut layer = Layer::of(text);
        for depth in 0.. {
            self.search(&layer, &mut found);
            if self.by_name {
                search_names(&layer, &mut found);
            }
            if depth == MAX_LAYERS {
                break;
            }
            let Some(next) = layer.decoded() else { break };
            layer = next;
        }
    }

    fn search(&self, layer: &Layer<'_>, found: &mut impl FnMut(Range<usize>)) {
        let mut first = 0_u32;
        for (at, byte) in layer.bytes.iter().enumerate() {
            first = (first << 8) | u32::from(fold(*byte));
            let Some(start) = (at + 1).checked_sub(FIRST_BYTES) else { continue };
            let (word, bit) = place(first);
            if self.seen.get(word).is_none_or(|word| word & bit == 0) {
                continue;
            }
            let rest = layer.bytes.get(start..).unwrap_or_default();
            if let Some(run) = self.run(first, rest) {
                found(layer.source(start)..layer.source(start + run));
            }
        }
    }

    /// How many bytes at the beginning of a text are a window of a secret, or a whole short secret. `first` are its
    /// first bytes.
    fn run(&self, first: u32, text: &[u8]) -> Option<usize> {
        let from = self.windows.partition_point(|window| window.first < first);
        let same = self.windows.get(from..)?.iter().take_while(|window| window.first == first);
        let matches = same.filter_map(|window| {
            let wanted = self.forms.get(window.form)?.bytes.get(window.run.clone())?;
            let is_it = text.get(..wanted.len())?.iter().map(|byte| fold(*byte)).eq(wanted.iter().copied());
            is_it.then_some(wanted.len())
        });
        matches.max()
    }
}

/// Tells what follows each of [`NAMES`], between quotes or not: `access_token=…`, `"access_token": "…"`.
fn search_names(layer: &Layer<'_>, found: &mut impl FnMut(Range<usize>)) {
    let bytes = &layer.bytes;
    let is_value = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.~%+".contains(byte);
    for name in NAMES {
        let places =
            bytes.windows(name.len()).enumerate().filter(|(_, text)| text.eq_ignore_ascii_case(name));
        for (at, _) in places {
            let rest = bytes.get(at + name.len()..).unwrap_or_default();
            let between =
                rest.iter().take_while(|byte| matches!(byte, b'"' | b'\'' | b' ' | b':' | b'=')).count();
            let is_given =
                rest.get(..between).is_some_and(|text| text.contains(&b'=') || text.contains(&b':'));
            let value = rest.get(between..).unwrap_or_default();
            let length = value.iter().take_while(|byte| is_value(byte)).count();
            // Of `access_token=87_ab...` the dots say that it was cut.
            let dots = value.iter().take(length).rev().take_while(|byte| **byte == b'.').count();
            let length = length - dots;
            if is_given && length > 0 {
                let start = at + name.len() + between;
                found(layer.source(start)..layer.source(start + length));
            }
        }
    }
}

fn windows_of((form, encoded): (usize, &mut Form)) -> impl Iterator<Item = Window> {
    let runs = std::mem::take(&mut encoded.windows);
    runs.into_iter().filter_map(move |run| {
        let first = encoded.bytes.get(run.clone())?.first_chunk().map(|first| u32::from_be_bytes(*first))?;
        Some(Window { first, form, run })
    })
}

fn place(first: u32) -> (usize, u64) {
    let hash = first.wrapping_mul(0x9e37_79b1) >> 16;
    (usize::try_from(hash >> 6).unwrap_or_default(), 1 << (hash & 63))
}

#[cfg(test)]
mod tests;
