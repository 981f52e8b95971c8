//! A model of the scheduler: who wants to be woken when, ordered by time, as the Worker's SQLite index is.

use std::collections::{BTreeMap, BTreeSet};
use zhongkong_core::time::UnixTime;

/// The scheduler; apps are numbers here.
#[derive(Default)]
pub struct Scheduler {
    wake_at: BTreeMap<usize, UnixTime>,
    by_time: BTreeSet<(UnixTime, usize)>,
}

impl Scheduler {
    /// A Keeper wants to be woken then.
    pub fn note(&mut self, app: usize, wake_at: UnixTime) {
        if let Some(before) = self.wake_at.insert(app, wake_at) {
            self.by_time.remove(&(before, app));
        }
        self.by_time.insert((wake_at, app));
    }

    /// When a Keeper wants to be woken.
    pub fn wake_at(&self, app: usize) -> Option<UnixTime> {
        self.wake_at.get(&app).copied()
    }

    /// Those who are due, the longest waiting first.
    pub fn due(&self, now: UnixTime) -> Vec<usize> {
        self.by_time.iter().take_while(|(at, _)| *at <= now).map(|(_, app)| *app).collect()
    }
}
