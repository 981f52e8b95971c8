//! The tables on SQLite itself.

mod history;
mod memory;
mod schedule;
mod slots;
