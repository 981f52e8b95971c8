//! The tables on SQLite itself.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails as a test does")]

mod history;
mod memory;
mod schedule;
mod slots;
