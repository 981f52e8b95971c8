//! The pure core of zhongkong: everything that can be decided without touching the world.
//!
//! In scope: what a credential is, when it is refreshed, what a reply of WeChat means, who may do
//! what, how a value is sealed at rest, how a page is signed, and how the configuration is read.
//!
//! Out of scope: clocks, randomness, network, storage, Workers. `now` and random bytes are
//! arguments; what should happen in the world is returned as data ([`engine::Effects`]).

pub mod access;
pub mod alert;
pub mod app;
pub mod audit;
pub mod cache;
pub mod config;
pub mod credential;
pub mod digest;
pub mod encoding;
pub mod engine;
pub mod facade;
pub mod history;
pub mod http;
pub mod keeper;
pub mod language;
pub mod memory;
pub mod metrics;
pub mod problem;
pub mod protocol;
pub mod providers;
pub mod record;

pub mod seal;
pub mod secret;
pub mod signature;
pub mod store;
pub mod tally;
pub mod time;
