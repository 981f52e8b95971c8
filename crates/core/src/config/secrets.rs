//! Secrets of the centre as a whole, and what makes a key a key.

use super::Raw;
use super::fault::Fault;
use crate::seal::Sealer;
use crate::secret::Secret;

/// The shortest key of a caller, in characters.
pub(crate) const MIN_KEY_CHARS: usize = 32;

/// A key of fewer different characters was typed, not made.
const MIN_KEY_ALPHABET: usize = 10;

pub(super) const MAKE_A_KEY: &str = "make one with `npm run new-key` and store it with `wrangler secret put`";
const MAKE_A_SEAL_KEY: &str = "32 random bytes in base64: make them with `openssl rand -base64 32` and store them with \
                               `wrangler secret put`";

/// What is wrong with a key, if anything.
pub(super) fn key_problem(key: &Secret) -> Option<&'static str> {
    let text = key.expose();
    let mut alphabet = Vec::new();
    for char in text.chars() {
        if alphabet.len() < MIN_KEY_ALPHABET && !alphabet.contains(&char) {
            alphabet.push(char);
        }
    }
    if !text.bytes().all(|b| b.is_ascii_graphic()) {
        Some("holds white space or other characters that a header cannot carry")
    } else if text.len() < MIN_KEY_CHARS {
        Some("is shorter than 32 characters")
    } else if alphabet.len() < MIN_KEY_ALPHABET {
        Some("is too easy to guess")
    } else {
        None
    }
}

pub(super) fn sealer(raw: &Raw<'_>, faults: &mut Vec<Fault>) -> Option<Sealer> {
    let Some(current) = (raw.secret)("SEAL_KEY") else {
        faults.push(Fault::centre("SEAL_KEY", "is missing", MAKE_A_SEAL_KEY));
        return None;
    };
    let sealer = match Sealer::new(&current) {
        Ok(sealer) => sealer,
        Err(not_a_key) => {
            faults.push(Fault::centre("SEAL_KEY", not_a_key.problem(), MAKE_A_SEAL_KEY));
            return None;
        }
    };
    let Some(previous) = (raw.secret)("SEAL_KEY_PREVIOUS") else { return Some(sealer) };
    sealer.with_previous(&previous).map_or_else(
        |not_a_key| {
            let fix = "give the SEAL_KEY from before, or delete it with `wrangler secret delete`";
            faults.push(Fault::centre("SEAL_KEY_PREVIOUS", not_a_key.problem(), fix));
            None
        },
        Some,
    )
}

pub(super) fn gateway_key(raw: &Raw<'_>, faults: &mut Vec<Fault>) -> Option<Secret> {
    let key = (raw.secret)("GATEWAY_KEY")?;
    if let Some(problem) = key_problem(&key) {
        faults.push(Fault::centre("GATEWAY_KEY", problem, MAKE_A_KEY));
        return None;
    }
    Some(key)
}
