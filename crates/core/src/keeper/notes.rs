//! What the scheduler is told: when the Keeper is to be woken, and which token it holds.

use crate::credential::Version;
use crate::protocol::Held;
use crate::time::UnixTime;

/// After a note that did not arrive, in milliseconds.
const AGAIN_MS: u64 = 5_000;

/// The alarm is the one to try a write to the store again; when it has not for this long, the cron does.
const STORE_WAITS_S: u64 = 120;

/// A note for the scheduler.
#[derive(Debug)]
pub struct Note {
    /// When the Keeper is to be woken if nothing else does it.
    pub wake_at: UnixTime,
    /// The token that it holds.
    pub token: Option<Held>,
    /// The time of the note.
    pub now: UnixTime,
}

/// When the cron is to wake a Keeper that wakes itself at `wake_at`, at the latest at `call_at`, when the provider is to be
/// called: what is due before is a write to the store that was not taken.
pub(super) fn wake_at(wake_at: UnixTime, call_at: UnixTime, now: UnixTime) -> UnixTime {
    call_at.min(wake_at.max(now).plus(STORE_WAITS_S))
}

/// When it is to be woken, and the version of the token.
pub(super) type News = (UnixTime, Version);

/// What has been noted, one note after the other.
#[derive(Debug, Default)]
pub(super) struct Notes {
    noted: Option<News>,
    under_way: Option<News>,
    not_before_ms: u64,
}

impl Notes {
    /// What was noted may have been written over since.
    pub(super) const fn forget(&mut self) {
        self.noted = None;
    }

    /// Whether this is to be noted now. `quiet`: nothing is under way that would change it within seconds.
    pub(super) fn begin(&mut self, news: News, quiet: bool, now_ms: u64) -> bool {
        // A token that has just been handed out may be shown at the façade at once.
        let is_new = self.noted.is_none_or(|(_, version)| version != news.1);
        let begins = self.under_way.is_none()
            && now_ms >= self.not_before_ms
            && (quiet || is_new)
            && self.noted != Some(news);
        if begins {
            self.under_way = Some(news);
        }
        begins
    }

    /// The note has arrived, or has not.
    pub(super) fn end(&mut self, arrived: bool, now_ms: u64) {
        let news = self.under_way.take();
        if arrived {
            self.noted = news;
        } else {
            self.not_before_ms = now_ms + AGAIN_MS;
        }
    }
}
