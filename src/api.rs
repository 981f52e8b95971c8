//! The native API, one file a surface.

pub(crate) mod card_signature;
pub(crate) mod check;
pub(crate) mod credential;
mod describe;
pub(crate) mod events;
pub(crate) mod explain;
pub(crate) mod health;
pub(crate) mod input;
pub(crate) mod metrics;
pub(crate) mod openapi;
pub(crate) mod refresh;
pub(crate) mod reseal;
pub(crate) mod revoke;
pub(crate) mod signature;
pub(crate) mod status;
pub(crate) mod test_alert;
pub(crate) mod trends;
