//! The façade: requests that look like WeChat's own, as SDKs send them to whatever host they are told.
//!
//! In scope: which of WeChat's paths is asked for, who asks and for which app, virtual tokens, refusals
//! in WeChat's form.
//! Out of scope: sending, streams, who may do what ([`crate::access`]).

pub mod admit;
mod again;
pub mod business;
pub mod coding;
mod fields;
mod holders;
mod hop;
pub mod kept;
mod path;
mod refusal;
mod shown;
pub mod virtual_token;

pub use again::AskedAgain;
pub use fields::{Fields, Unreadable};
pub use holders::{Holder, Holders};
pub use hop::named_by_connection;
pub(crate) use path::has_double_slash;
pub use path::{PathPattern, Target};
pub use refusal::Refusal;
pub use shown::{OwnKeys, is_text};
