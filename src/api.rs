//! The native API, one file a surface.

pub(crate) mod card_signature;
pub(crate) mod credential;
pub(crate) mod events;
pub(crate) mod health;
pub(crate) mod input;
pub(crate) mod refresh;
pub(crate) mod reseal;
pub(crate) mod revoke;
pub(crate) mod signature;
pub(crate) mod status;
