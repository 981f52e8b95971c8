//! A WeChat for development and tests.
//!
//! [`World`] is a pure state machine: a request, an address and a moment go in, a reply comes out.
//! It has no clock and no network, so a test can run days in milliseconds. [`http`] puts it on a
//! port, with a control API under `/_sim/`.
//!
//! In scope: the token and ticket endpoints with their overlap rules, wrong arguments, the IP
//! whitelist, a call that says whether a token lives, and an audit of every call.
//! Out of scope: the business APIs of WeChat.

pub mod account;
pub mod audit;
mod endpoints;
pub mod errors;
pub mod http;
pub mod knobs;
mod random;
pub mod request;
pub mod ticket;
pub mod token;
pub mod world;

pub use world::World;
