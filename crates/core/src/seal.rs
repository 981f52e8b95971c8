//! Sealing at rest: AES-256-GCM with a random nonce, the key's id in clear, and associated data
//! that binds a text to its place. A text moved to another place does not open.

use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{Aead as _, KeyInit, Nonce, Payload};
use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};
use core::fmt;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::digest::{Sha256Digest, hex};
use crate::secret::Secret;

/// Bytes of randomness that one sealing takes.
pub const NONCE_BYTES: usize = 12;

struct SealKey {
    id: String,
    cipher: Aes256Gcm,
    /// A key of its own for [`Sealer::mac`].
    mac_key: Zeroizing<[u8; 64]>,
}

/// Seals with the current key, opens with the current and the previous one.
pub struct Sealer {
    current: SealKey,
    previous: Option<SealKey>,
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(redacted)")
    }
}

/// Why a key is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAKey {
    /// It is not base64, or of another length.
    NotOf32Bytes,
    /// All its bytes are the same: a placeholder, which anybody may guess.
    OneByteRepeated,
}

impl NotAKey {
    /// What is wrong, after the name of the setting.
    pub const fn problem(self) -> &'static str {
        match self {
            Self::NotOf32Bytes => "is not a key of 32 bytes",
            Self::OneByteRepeated => "is one byte repeated 32 times: a placeholder, which anybody may guess",
        }
    }
}

/// A sealed text did not open: another key, another place, or a changed text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DoesNotOpen;

/// A sealed text and the id of the key that sealed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The first eight hex digits of a digest of the key.
    pub key_id: String,
    /// base64url of nonce and ciphertext.
    pub text: String,
}

impl SealKey {
    /// Reads 32 bytes in base64.
    fn parse(key: &Secret) -> Result<Self, NotAKey> {
        let not_of_32_bytes = NotAKey::NotOf32Bytes;
        let bytes = Base64::decode_vec(key.expose().trim()).map_err(|_| not_of_32_bytes)?;
        let bytes = Zeroizing::new(bytes);
        let cipher = Aes256Gcm::new_from_slice(&bytes).map_err(|_| not_of_32_bytes)?;
        if bytes.iter().all(|byte| Some(byte) == bytes.first()) {
            return Err(NotAKey::OneByteRepeated);
        }
        let id = Sha256Digest::of_parts(&["zhongkong seal key id", &hex(&bytes)]).short();
        let mut mac_key = Zeroizing::new([0; 64]);
        for (half, name) in mac_key.chunks_exact_mut(32).zip(["zhongkong mac key 1", "zhongkong mac key 2"]) {
            half.copy_from_slice(&Sha256Digest::of_parts(&[name, &hex(&bytes)]).to_bytes());
        }
        Ok(Self { id, cipher, mac_key })
    }
}

impl SealKey {
    fn mac(&self, parts: &[String]) -> Hmac<Sha256> {
        let mut mac = <Hmac<Sha256> as KeyInit>::new((&*self.mac_key).into());
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        mac
    }
}

impl Sealer {
    /// Takes the current key: 32 bytes in base64.
    ///
    /// # Errors
    /// [`NotAKey`] when it is anything else.
    pub fn new(current: &Secret) -> Result<Self, NotAKey> {
        Ok(Self { current: SealKey::parse(current)?, previous: None })
    }

    /// Adds the key before, so that what it sealed still opens.
    ///
    /// # Errors
    /// [`NotAKey`] when it is no 32 bytes in base64.
    pub fn with_previous(self, previous: &Secret) -> Result<Self, NotAKey> {
        Ok(Self { previous: Some(SealKey::parse(previous)?), ..self })
    }

    /// HMAC-SHA256 over `parts`, each preceded by its length, with a key derived from the current one.
    pub fn mac(&self, parts: &[String]) -> [u8; 32] {
        self.current.mac(parts).finalize().into_bytes().into()
    }

    /// Whether `mac` is that of `parts`, under the current key or the previous one. In constant time.
    pub fn is_mac(&self, parts: &[String], mac: &[u8; 32]) -> bool {
        let keys = [Some(&self.current), self.previous.as_ref()];
        keys.into_iter().flatten().any(|key| key.mac(parts).verify(mac.into()).is_ok())
    }

    /// Tells which key seals now: the first eight hex digits of a digest of it.
    pub fn key_id(&self) -> &str {
        &self.current.id
    }

    /// Seals `plain` for the place that `place` describes. `nonce` must be random and new.
    ///
    /// # Errors
    /// [`DoesNotOpen`] only for texts of more than 64 GiB.
    pub fn seal(&self, place: &str, plain: &str, nonce: [u8; NONCE_BYTES]) -> Result<Sealed, DoesNotOpen> {
        let payload = Payload { msg: plain.as_bytes(), aad: place.as_bytes() };
        let cipher = self
            .current
            .cipher
            .encrypt(&Nonce::<Aes256Gcm>::from(nonce), payload)
            .map_err(|_| DoesNotOpen)?;
        let mut bytes = nonce.to_vec();
        bytes.extend_from_slice(&cipher);
        Ok(Sealed { key_id: self.current.id.clone(), text: Base64UrlUnpadded::encode_string(&bytes) })
    }

    /// Opens what was sealed for the same place.
    ///
    /// # Errors
    /// [`DoesNotOpen`] when the key is unknown, the place is another, or a bit was changed.
    pub fn open(&self, place: &str, sealed: &Sealed) -> Result<Zeroizing<String>, DoesNotOpen> {
        let key = [Some(&self.current), self.previous.as_ref()]
            .into_iter()
            .flatten()
            .find(|key| key.id == sealed.key_id)
            .ok_or(DoesNotOpen)?;
        let bytes = Base64UrlUnpadded::decode_vec(&sealed.text).map_err(|_| DoesNotOpen)?;
        let (nonce, cipher) = bytes.split_first_chunk::<NONCE_BYTES>().ok_or(DoesNotOpen)?;
        let payload = Payload { msg: cipher, aad: place.as_bytes() };
        let plain =
            key.cipher.decrypt(&Nonce::<Aes256Gcm>::from(*nonce), payload).map_err(|_| DoesNotOpen)?;
        String::from_utf8(plain).map(Zeroizing::new).map_err(|_| DoesNotOpen)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// 32 bytes `seed, seed+1, …` in base64.
    pub(crate) fn key(seed: u8) -> Secret {
        let bytes: Vec<u8> = (0..32).map(|i| seed.wrapping_add(i)).collect();
        Secret::new(Base64::encode_string(&bytes))
    }

    #[test]
    fn opens_only_in_its_place() {
        let sealer = Sealer::new(&key(1)).unwrap();
        let sealed = sealer.seal("shop/jsapi/1", "hello", [7; 12]).unwrap();
        assert_eq!(sealer.open("shop/jsapi/1", &sealed).unwrap().as_str(), "hello");
        assert_eq!(sealer.open("shop/jsapi/2", &sealed), Err(DoesNotOpen));
    }

    #[test]
    fn the_previous_key_opens_and_the_current_one_seals() {
        let old = Sealer::new(&key(1)).unwrap().seal("p", "hello", [7; 12]).unwrap();
        let both = Sealer::new(&key(2)).unwrap().with_previous(&key(1)).unwrap();
        assert_eq!(both.open("p", &old).unwrap().as_str(), "hello");
        assert_ne!(both.seal("p", "hello", [7; 12]).unwrap().key_id, old.key_id);
        assert_eq!(Sealer::new(&key(2)).unwrap().open("p", &old), Err(DoesNotOpen));
    }

    #[test]
    fn every_changed_bit_is_noticed() {
        let sealer = Sealer::new(&key(1)).unwrap();
        let sealed = sealer.seal("p", "hello", [7; 12]).unwrap();
        let bytes = Base64UrlUnpadded::decode_vec(&sealed.text).unwrap();
        for index in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[index] ^= 1;
            let text = Base64UrlUnpadded::encode_string(&changed);
            assert_eq!(sealer.open("p", &Sealed { text, ..sealed.clone() }), Err(DoesNotOpen));
        }
        for text in ["", "AAAA", "!!!"] {
            assert_eq!(
                sealer.open("p", &Sealed { text: text.to_owned(), ..sealed.clone() }),
                Err(DoesNotOpen)
            );
        }
    }

    #[test]
    fn only_32_bytes_make_a_key() {
        for bad in
            ["", "short", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "0123456789abcdef0123456789abcdef"]
        {
            assert!(Sealer::new(&Secret::new(bad.to_owned())).is_err(), "{bad}");
        }
    }
}
