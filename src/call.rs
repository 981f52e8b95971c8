//! What every handler is handed.

use crate::bindings::Centre;
use std::rc::Rc;
use worker::{Context, Env};

/// One request's surroundings.
pub(crate) struct Call {
    pub(crate) centre: Rc<Centre>,
    pub(crate) env: Env,
    pub(crate) context: Context,
}
