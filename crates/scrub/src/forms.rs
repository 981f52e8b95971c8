//! The forms that a secret is searched in.

use base64ct::{Base64Unpadded, Encoding as _};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// A text as it stands in the query of a URL that we send: all but letters and digits percent-encoded.
pub(crate) fn in_query(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A secret as it stands, and in hex and base64: as it stands, and as the URL that we send has it.
pub(super) fn forms_of(secret: &str) -> Vec<Vec<u8>> {
    let sent = in_query(secret);
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
pub(super) const fn fold(byte: u8) -> u8 {
    match byte {
        b'+' => b'-',
        b'/' => b'_',
        _ => byte.to_ascii_lowercase(),
    }
}
