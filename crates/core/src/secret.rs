//! Text that must not be seen: AppSecrets, caller keys, and the values of credentials.

use core::fmt;
use zeroize::Zeroizing;

/// A secret text: no `Display`, a redacted `Debug`, wiped when dropped.
///
/// There is one way to the text, [`Secret::expose`], so that every use can be searched for.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself. Never to be logged, put into an error, a URL of ours, or a storage key.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        let secret = Secret::new("canary-7c1d".to_owned());
        assert_eq!(format!("{secret:?} {:?}", Some(&secret)), "Secret(redacted) Some(Secret(redacted))");
        assert_eq!(secret.expose(), "canary-7c1d");
    }
}
