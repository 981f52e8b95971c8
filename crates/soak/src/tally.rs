//! What a run, or many, came to.

use std::collections::BTreeMap;

/// Counters; those of several runs are added up.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Runs.
    pub runs: u64,
    /// Days of one app that were simulated.
    pub app_days: u64,
    /// The same of quiet runs only.
    pub quiet_app_days: u64,
    /// Versions that came to be.
    pub rotations: u64,
    /// Calls that reached out to WeChat, by kind.
    pub calls: BTreeMap<&'static str, u64>,
    /// Calls in quiet runs.
    pub quiet_calls: u64,
    /// All calls, by app.
    pub calls_of_app: BTreeMap<usize, u64>,
    /// The same, on the last day only.
    pub calls_on_last_day: BTreeMap<usize, u64>,
    /// Revocations that were asked for, and that came to their end.
    pub revokes: (u64, u64),
    /// Writes to the store.
    pub writes: u64,
    /// Writes in quiet runs.
    pub quiet_writes: u64,
    /// Credentials handed out.
    pub served: u64,
    /// Of those, dead ones. Has to be 0.
    pub dead: u64,
    /// Dead ones that nobody could know of: killed from outside, not yet confirmed by WeChat.
    pub dead_unknowable: u64,
    /// Tickets of unknown age that had died meanwhile: the price of not knowing.
    pub dead_of_unknown_age: u64,
    /// Faults that struck, by kind.
    pub faults: BTreeMap<String, u64>,
    /// Disturbances of other kinds.
    pub disturbances: BTreeMap<&'static str, u64>,
    /// Milliseconds from the end of an outage to the first value that was served again, by kind of credential.
    pub back_after: BTreeMap<&'static str, Vec<u64>>,
    /// Calls during outages.
    pub calls_in_outages: u64,
    /// Readers who got nothing, by reason.
    pub outages: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// Adds another one.
    pub fn add(&mut self, other: Self) {
        self.runs += other.runs;
        self.app_days += other.app_days;
        self.quiet_app_days += other.quiet_app_days;
        self.rotations += other.rotations;
        self.quiet_calls += other.quiet_calls;
        self.writes += other.writes;
        self.quiet_writes += other.quiet_writes;
        self.served += other.served;
        self.dead += other.dead;
        self.dead_unknowable += other.dead_unknowable;
        self.dead_of_unknown_age += other.dead_of_unknown_age;
        self.revokes.0 += other.revokes.0;
        self.revokes.1 += other.revokes.1;
        merge(&mut self.calls_of_app, other.calls_of_app);
        merge(&mut self.calls_on_last_day, other.calls_on_last_day);
        for (kind, mut after) in other.back_after {
            self.back_after.entry(kind).or_default().append(&mut after);
        }
        self.calls_in_outages += other.calls_in_outages;
        merge(&mut self.calls, other.calls);
        merge(&mut self.faults, other.faults);
        merge(&mut self.disturbances, other.disturbances);
        merge(&mut self.outages, other.outages);
    }

    /// Counts one of a kind.
    pub fn count<K: Ord>(of: &mut BTreeMap<K, u64>, kind: K) {
        *of.entry(kind).or_default() += 1;
    }

    /// All calls.
    pub fn all_calls(&self) -> u64 {
        self.calls.values().sum()
    }
}

fn merge<K: Ord>(into: &mut BTreeMap<K, u64>, from: BTreeMap<K, u64>) {
    for (kind, count) in from {
        *into.entry(kind).or_default() += count;
    }
}
