//! The forms that a secret is searched in.

use base64ct::{Base64Unpadded, Encoding as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use std::ops::Range;

/// A secret in one of its encodings.
#[derive(Clone)]
pub(super) struct Form {
    /// Folded as [`fold`] does.
    pub(super) bytes: Vec<u8>,
    /// What each run of [`super::WINDOW`] characters of the secret has become; for a shorter one, all of it. By
    /// characters of the secret, not of the form: who has an answer quote guesses in hex must not learn by what is masked
    /// whether six of them are right.
    pub(super) windows: Vec<Range<usize>>,
}

/// A secret as it stands, and in hex and base64: as it stands, as the URL that we send has it, and with all but letters
/// and digits percent-encoded, as some relays do.
pub(super) fn forms_of(secret: &str) -> Vec<Form> {
    let plain = Text::of(secret, <[u8]>::to_vec);
    let sent = Text::of(secret, |byte| in_query(byte).into_bytes());
    let encoded = Text::of(secret, |byte| percent_encode(byte, NON_ALPHANUMERIC).to_string().into_bytes());
    let mut forms = packed(&plain);
    for other in [&sent, &encoded].into_iter().filter(|other| other.bytes != plain.bytes) {
        forms.extend(packed(other));
    }
    forms.push(plain.form(plain.bytes.clone(), Range::clone));
    forms
}

/// A text that each character of a secret has a part in.
struct Text {
    bytes: Vec<u8>,
    windows: Vec<Range<usize>>,
}

impl Text {
    fn of(secret: &str, written: impl Fn(&[u8]) -> Vec<u8>) -> Self {
        let (mut bytes, mut starts) = (Vec::new(), Vec::new());
        for byte in secret.as_bytes().chunks(1) {
            starts.push(bytes.len());
            bytes.extend(written(byte));
        }
        starts.push(bytes.len());
        let window = (secret.len() + 1).min(super::WINDOW + 1);
        let windows = starts.windows(window).filter_map(|run| Some(*run.first()?..*run.last()?)).collect();
        Self { bytes, windows }
    }

    fn form(&self, bytes: Vec<u8>, place: impl Fn(&Range<usize>) -> Range<usize>) -> Form {
        let bytes = bytes.into_iter().map(fold).collect();
        Form { bytes, windows: self.windows.iter().map(place).collect() }
    }
}

/// A text in hex, and in base64 at each of the three places that it can have in a longer one.
fn packed(text: &Text) -> Vec<Form> {
    let in_base64 = |before: usize| {
        let mut longer = vec![0; before];
        longer.extend_from_slice(&text.bytes);
        // Only characters that hold nothing but the text's own bits.
        let place =
            |window: &Range<usize>| ((window.start + before) * 8).div_ceil(6)..(window.end + before) * 8 / 6;
        text.form(Base64Unpadded::encode_string(&longer).into_bytes(), place)
    };
    let in_hex = text.form(hex(&text.bytes).into_bytes(), |window| window.start * 2..window.end * 2);
    (0..3).map(in_base64).chain([in_hex]).collect()
}

/// All but the unreserved characters (RFC 3986, 2.3), as `providers/wechat/request.rs` of the core has it.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A text as it stands in the query of a URL that we send.
pub(crate) fn in_query(text: &[u8]) -> String {
    percent_encode(text, RESERVED).to_string()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Equal for what a reader would take for the same: letters of either case, both alphabets of base64.
pub(super) const fn fold(byte: u8) -> u8 {
    match byte {
        b'+' => b'-',
        b'/' => b'_',
        _ => byte.to_ascii_lowercase(),
    }
}
