//! Stores: where the Keeper publishes credentials, and everybody reads them.
//!
//! A store is two functions, [`Store::find`] and [`Store::save`]. It sees sealed texts only, and it may
//! be slow, behind or down: the truth is in the Keepers, and readers compare versions. How to write one:
//! `docs/stores.md`, whose example is compiled and held to [`promises`] by a test.
//!
//! In scope: the interface, and the promises of every store. Out of scope: Workers KV, D1 and memory
//! themselves (the Worker's `store/`), and what the texts mean ([`crate::record`]).

pub mod promises;

use crate::credential::Version;
use crate::time::UnixTime;
use core::fmt;

/// What is saved under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The version of the credential; only grows.
    pub version: Version,
    /// From here on nobody needs it any more.
    pub expires_at: UnixTime,
    /// The text to give back: sealed, visible ASCII, 6 kB at most.
    pub text: String,
}

/// What became of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Saved {
    /// It is in the store.
    Here,
    /// It is not, because this newer text is, and stays.
    Newer(String),
}

/// Why a store did not answer. The reason is for the log, and holds no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreFailure(pub String);

impl fmt::Display for StoreFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where published credentials are read from.
///
/// Everything runs on one thread, in wasm: futures need not be `Send`.
#[allow(async_fn_in_trait)]
pub trait Store {
    /// The text under a key; `None` where there is none.
    ///
    /// # Errors
    /// [`StoreFailure`] when the store did not say: that is not the same as nothing.
    async fn find(&self, key: &str) -> Result<Option<String>, StoreFailure>;

    /// Keeps an entry until its end, at `now`. A newer version that is there already stays; one whose
    /// end has come counts as gone.
    ///
    /// # Errors
    /// [`StoreFailure`] when it is not certain that the entry was taken. It is saved again later.
    async fn save(&self, key: &str, entry: &Entry, now: UnixTime) -> Result<Saved, StoreFailure>;

    /// Keeps an entry until its end in place of whatever is there: what is there does not open, so it is nobody's.
    ///
    /// # Errors
    /// As [`Store::save`].
    async fn replace(&self, key: &str, entry: &Entry, now: UnixTime) -> Result<(), StoreFailure>;

    /// The texts under many keys, in their order. Worth an implementation of its own where the store
    /// can answer in one go.
    ///
    /// # Errors
    /// As [`Store::find`].
    async fn find_many(&self, keys: &[String]) -> Result<Vec<Option<String>>, StoreFailure> {
        let mut found = Vec::with_capacity(keys.len());
        for key in keys {
            found.push(self.find(key).await?);
        }
        Ok(found)
    }
}

/// The example in `docs/stores.md`, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/stores.md")]
struct HowToWriteOne;

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    /// A store that keeps its promises, or all but one.
    #[derive(Default)]
    struct Shelf {
        entries: RefCell<BTreeMap<String, Entry>>,
        broken: &'static str,
    }

    impl Store for Shelf {
        async fn find(&self, key: &str) -> Result<Option<String>, StoreFailure> {
            match self.entries.borrow().get(key) {
                _ if self.broken == "finds nothing" => Ok(None),
                None if self.broken == "fails instead of nothing" => Err(StoreFailure("no row".to_owned())),
                found => Ok(found.map(|entry| entry.text.clone())),
            }
        }

        async fn save(&self, key: &str, entry: &Entry, now: UnixTime) -> Result<Saved, StoreFailure> {
            let mut entries = self.entries.borrow_mut();
            let key = if self.broken == "one row for all" { "cfg" } else { key };
            if let Some(there) = entries.get(key)
                && (there.version > entry.version && self.broken != "last write wins")
                && (there.expires_at > now || self.broken == "never forgets")
            {
                let text = if self.broken == "gives back the wrong text" { entry } else { there };
                return Ok(Saved::Newer(text.text.clone()));
            }
            let mut entry = entry.clone();
            if self.broken == "512 characters" {
                entry.text.truncate(512);
            }
            entries.insert(key.to_owned(), entry);
            Ok(Saved::Here)
        }

        async fn replace(&self, key: &str, entry: &Entry, _: UnixTime) -> Result<(), StoreFailure> {
            if self.broken != "replaces nothing" {
                self.entries.borrow_mut().insert(key.to_owned(), entry.clone());
            }
            Ok(())
        }
    }

    #[test]
    fn the_check_of_promises_takes_a_good_store_and_finds_every_bad_one() {
        let check = |broken| {
            let store = Shelf { broken, ..Shelf::default() };
            pollster::block_on(promises::check(&store, "v1/shop", UnixTime::from_secs(1_800_000_000)))
        };
        assert_eq!(check(""), Ok(()));
        for (broken, promise) in [
            ("finds nothing", "what was saved is found"),
            ("fails instead of nothing", "the store did not answer: no row"),
            ("one row for all", "what was saved is found"),
            ("last write wins", "an older version is refused, with the newer text"),
            ("gives back the wrong text", "an older version is refused, with the newer text"),
            ("replaces nothing", "what is there can be replaced, whatever its version"),
            ("never forgets", "an entry past its end is in nobody's way"),
            ("512 characters", "many keys are answered in their order"),
        ] {
            assert_eq!(check(broken), Err(promise.to_owned()), "{broken}");
        }
    }
}
