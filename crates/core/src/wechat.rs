//! WeChat's side of the wire: what is sent for a credential and what a reply means.
//!
//! In scope: requests as data, replies from bytes, what each errcode asks of us.
//! Out of scope: sending (the Worker's Keeper does) and when to send ([`crate::engine`]).

mod advice;
pub mod errcode;
pub mod reply;
pub mod request;

pub use errcode::Class;
pub use reply::{Failure, Issued, Refusal, Verdict};
pub use request::ApiRequest;
