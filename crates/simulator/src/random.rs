//! Random texts from a seed that is part of the state, so that a run can be repeated.

use serde::{Deserialize, Serialize};

/// SplitMix64: small, and good enough for texts that only have to differ.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// `chars` characters of the alphabet that WeChat's tokens use.
    pub(crate) fn text(&mut self, chars: usize) -> String {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        (0..chars)
            .filter_map(|_| {
                let index = usize::try_from(self.next() >> 58).ok()?;
                ALPHABET.get(index).map(|&byte| char::from(byte))
            })
            .collect()
    }
}
