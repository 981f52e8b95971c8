//! One thing that is wrong with the configuration, in words for the operator.

use crate::app::AppName;
use core::fmt;

/// What a fault keeps from working.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Everything.
    Centre,
    /// One app.
    App(AppName),
    /// One caller, or a part of what it may do.
    Caller,
    /// An entry that has no usable name.
    Entry,
    /// Alerts, the log or the scheduler; everything else works.
    Aside,
}

/// One fault: which setting, what is wrong, what is right. Never a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What it keeps from working.
    pub place: Place,
    /// The setting, as it is written in wrangler.toml or given to `wrangler secret put`.
    pub setting: String,
    /// What is wrong with it.
    pub problem: String,
    /// What to do.
    pub fix: String,
}

impl Fault {
    pub(super) fn new(
        place: Place,
        setting: impl Into<String>,
        problem: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self { place, setting: setting.into(), problem: problem.into(), fix: fix.into() }
    }

    pub(super) fn centre(
        setting: impl Into<String>,
        problem: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self::new(Place::Centre, setting, problem, fix)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}.", self.setting, self.problem, self.fix)
    }
}
