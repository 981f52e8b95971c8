//! What every handler is handed.

use crate::bindings::Centre;
use crate::runtime::{Context, Env};
use std::rc::Rc;

/// One request's surroundings.
pub(crate) struct Call {
    pub(crate) centre: Rc<Centre>,
    pub(crate) env: Env,
    pub(crate) context: Context,
}
