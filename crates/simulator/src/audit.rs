//! Every call that reached the simulator, so that a test can count them. No secret is kept.

use crate::faults::Kind;
use crate::knobs::Millis;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// One call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Counts the calls from 1.
    pub number: u64,
    /// When it came.
    pub at_ms: Millis,
    /// The path, without its query.
    pub path: String,
    /// The account, where one was found.
    pub appid: Option<String>,
    /// What was answered; 0 for success.
    pub errcode: i64,
    /// Whether a credential was replaced by it.
    pub rotated: bool,
    /// What went wrong on the way, by script.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Kind>,
}

/// The newest calls.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Audit {
    entries: VecDeque<Entry>,
    count: u64,
}

/// So many calls are kept.
const KEPT: usize = 100_000;

impl Audit {
    pub(crate) fn note(&mut self, entry: Entry) {
        self.count += 1;
        self.entries.push_back(Entry { number: self.count, ..entry });
        if self.entries.len() > KEPT {
            self.entries.pop_front();
        }
    }

    /// The calls, oldest first.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// How many calls there were, forgotten ones included.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Forgets them all.
    pub fn clear(&mut self) {
        self.entries.clear();
    }
}
