//! What the Durable Objects keep in their SQLite: tables, statements, and the rules of what is kept, merged and
//! forgotten.
//!
//! In scope: a Keeper's slots ([`Slots`]), history ([`History`]) and counts ([`Counts`]), the scheduler's
//! [`Schedule`], and single values ([`Settings`]). Times are arguments, as in the core.
//! Out of scope: the database itself. A Durable Object brings its own ([`Sql`]); the tests bring SQLite's library.

mod counts;
mod history;
mod schedule;
mod settings;
mod slots;
mod sql;

pub use counts::Counts;
pub use history::History;
pub use schedule::Schedule;
pub use settings::Settings;
pub use slots::{Loaded, Slots};
pub use sql::{Sql, Value};
