//! A WeChat for development and tests.
//!
//! [`World`] is a pure state machine: a request, an address and a moment go in, a reply comes out.
//! It has no clock and no network, so a test can run days in milliseconds. [`http`] puts it on a
//! port, with a control API under `/_sim/`.
//!
//! In scope: the token and ticket endpoints with their overlap rules, quotas, wrong arguments, the IP
//! whitelist and the administrator's confirmation, faults by script, and an audit of every call.
//! Out of scope: what business APIs do (they check the token and say `ok`), and WeCom.

pub mod account;
pub mod audit;
mod endpoints;
mod errors;
pub mod exchange;
pub mod faults;
pub mod http;
pub mod knobs;
pub mod quota;
pub mod random;
pub mod request;
pub mod ticket;
pub mod token;
pub mod world;

pub use world::World;
