//! SHA-256 digests: what a caller may show instead of a token, and how a changed secret is noticed.

use core::fmt;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// A SHA-256 digest, compared in constant time, written as 64 lower-case hex digits.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sha256Digest([u8; 32]);

impl Sha256Digest {
    /// The digest of one text.
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// The digest of several texts; each part is preceded by its length, so that parts cannot flow
    /// into each other.
    pub fn of_parts(parts: &[&str]) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part.as_bytes());
        }
        Self(hasher.finalize().into())
    }

    /// Reads 64 hex digits of either case; `None` for anything else.
    pub fn from_hex(hex: &str) -> Option<Self> {
        let mut bytes = [0_u8; 32];
        if hex.len() != 64 || !hex.is_ascii() {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
            *byte = u8::from_str_radix(core::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        // from_str_radix takes a sign, which is no hex digit.
        hex.bytes().all(|b| b.is_ascii_hexdigit()).then_some(Self(bytes))
    }

    /// The bytes.
    pub(crate) const fn to_bytes(self) -> [u8; 32] {
        self.0
    }

    /// Equality as a `subtle::Choice`, for comparisons that must not stop early.
    pub fn ct_eq(&self, other: &Self) -> subtle::Choice {
        // In words of eight bytes: every key of every caller is compared for each request.
        let (ours, _) = self.0.as_chunks::<8>();
        let (theirs, _) = other.0.as_chunks::<8>();
        let differs = ours.iter().zip(theirs).fold(0, |differs, (ours, theirs)| {
            differs | (u64::from_ne_bytes(*ours) ^ u64::from_ne_bytes(*theirs))
        });
        differs.ct_eq(&0)
    }

    /// The first eight hex digits: enough to tell keys apart in a log, too few to be of use.
    pub fn short(&self) -> String {
        self.to_string().chars().take(8).collect()
    }
}

impl PartialEq for Sha256Digest {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl Eq for Sha256Digest {}

impl fmt::Display for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256Digest({}…)", self.short())
    }
}

impl TryFrom<String> for Sha256Digest {
    type Error = &'static str;

    fn try_from(hex: String) -> Result<Self, Self::Error> {
        Self::from_hex(&hex).ok_or("a SHA-256 digest is 64 hex digits")
    }
}

impl From<Sha256Digest> for String {
    fn from(digest: Sha256Digest) -> Self {
        digest.to_string()
    }
}

/// The SHA-256 of any bytes, in hex.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Lower-case hex of any bytes.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |four_bits: u8| DIGITS.get(usize::from(four_bits)).copied().unwrap_or_default();
    let mut text = Vec::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.extend_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
    }
    // As bytes, since a text grows by one character at a time: this is on the way of every signature.
    String::from_utf8(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_an_inverse_pair() {
        let digest = Sha256Digest::of("abc");
        assert_eq!(digest.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(Sha256Digest::from_hex(&digest.to_string()), Some(digest));
        assert_eq!(Sha256Digest::from_hex(&digest.to_string().to_uppercase()), Some(digest));
    }

    #[test]
    fn what_is_no_digest_is_refused() {
        let good = Sha256Digest::of("abc").to_string();
        for bad in ["", "ba78", &good[1..], &format!("+{}", &good[1..]), &format!("{}é", &good[2..])] {
            assert_eq!(Sha256Digest::from_hex(bad), None, "{bad}");
        }
    }

    #[test]
    fn parts_do_not_flow_into_each_other() {
        assert_ne!(Sha256Digest::of_parts(&["ab", "c"]), Sha256Digest::of_parts(&["a", "bc"]));
    }
}
