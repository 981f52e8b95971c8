//! The soak: Keepers, the simulated WeChat and a model of the store, in virtual time.
//!
//! Everything random comes from a seed, so a failure can be repeated and made smaller. After each
//! step the promises are checked against what the simulator knows to be true, not against what the
//! Keeper believes.
//!
//! In scope: the Keeper itself (the machine of the core, as the Worker drives it), the readers' use of the core; faults
//! upstream, a store that is behind, loses and reorders writes; kills before each effect, missed and doubled cron runs, late alarms;
//! outsiders who rotate a token away, once or in a quarrel; revocations; reports, honest and not; clocks that differ.
//! Out of scope: the Worker's own code (the end-to-end tests run that).

#![allow(
    clippy::indexing_slicing,
    reason = "a test program: an index out of range is a fault of the soak and ends it"
)]

pub mod centre;
pub mod check;
pub mod keeper;
pub mod reader;
pub mod recovery;
pub mod run;
pub mod scenario;
pub mod scheduler;
pub mod store;
pub mod tally;

/// Milliseconds of virtual time.
pub type Millis = u64;

/// When every run begins: 2027-01-15, 16:00 in Beijing.
pub const START: Millis = 1_800_000_000_000;
