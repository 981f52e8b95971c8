//! The audit in an isolate: which requests leave a line, whose history it goes into, and when the lines are sent.
//!
//! In scope: the decision, as plain data. Out of scope: sending ([`crate::history`] has what a line is).

use crate::app::AppName;
use crate::config::{Config, HistoryOf};
use crate::credential::{Credential, Version};
use crate::history::{Action, Deed, Hurry, Journal};
use crate::http::route::Route;
use crate::problem::{Code, Problem};
use crate::tally::Source;
use crate::time::UnixTime;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// What was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// What was to be done.
    pub action: Action,
    /// With which credential.
    pub credential: Option<Credential>,
    /// The app, as the request names it.
    pub app: Option<&'a str>,
}

impl<'a> Asked<'a> {
    /// What a path of the native API asks for; `None` for a path that is none of ours.
    pub fn by(route: Option<&Route<'a>>) -> Self {
        let (action, credential) = route.map_or((Action::Unknown, None), Route::action);
        Self { action, credential, app: route.and_then(Route::app) }
    }
}

/// What became of a request.
#[derive(Clone, Copy, Debug)]
pub struct Outcome<'a> {
    /// `ok` or more; `Err` with the code of a refusal.
    pub result: Result<&'a str, Code>,
    /// The version that was handed out, or used.
    pub version: Option<Version>,
    /// What it was about, never a value.
    pub about: Option<&'a str>,
    /// WeChat's code, where it refused.
    pub errcode: Option<i64>,
}

impl<'a> Outcome<'a> {
    /// A success that hands out this version, or is made with it.
    pub const fn of_version(version: Version) -> Self {
        Self { result: Ok("ok"), version: Some(version), about: None, errcode: None }
    }

    /// A refusal.
    pub fn refused(problem: &Problem) -> Self {
        Self { result: Err(problem.code), version: None, about: None, errcode: problem.errcode }
    }
}

/// Lines have to be sent: those of an app, or of all who were refused, after this time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sending {
    /// Whose; `None` for those who were refused.
    pub app: Option<AppName>,
    /// How many milliseconds later.
    pub wait_ms: u64,
}

/// What callers have done, in the memory of an isolate, until it is sent to the Keepers: a journal for each app,
/// for those who may; and one for all who may not, which costs the same whether there is such an app or not.
#[derive(Clone, Debug, Default)]
pub struct AuditBuffers {
    apps: BTreeMap<AppName, Journal>,
    refused: Journal,
}

impl AuditBuffers {
    /// The journal of a configured app, or that of all who were refused.
    pub fn of(&mut self, app: Option<&AppName>) -> &mut Journal {
        match app {
            None => &mut self.refused,
            Some(app) => self.apps.entry(app.clone()).or_default(),
        }
    }

    /// Notes where a read was served from.
    pub fn note_read(&mut self, app: &AppName, source: Source) {
        self.of(Some(app)).note_read(source);
    }

    /// Notes what became of a request; says which lines have to be sent, where no sending is planned.
    pub fn note(
        &mut self,
        config: &Config,
        asked: &Asked<'_>,
        caller: Option<&str>,
        ip: Option<IpAddr>,
        outcome: &Outcome<'_>,
        now_ms: u64,
    ) -> Option<Sending> {
        if outcome.result.is_ok() && !leaves_a_line(config, asked.action) {
            return None;
        }
        let Outcome { result, version, about, errcode } = *outcome;
        let deed = Deed::of_caller(caller, asked.action, asked.credential, result.map_err(Code::as_str), ip);
        let deed = Deed { version, about, errcode, ..deed };
        let may_not = result.is_err_and(|code| caller.is_none() || code == Code::NotAllowed);
        if may_not {
            let about = asked.app.filter(|name| AppName::parse(name).is_some());
            return self.gather(None, &Deed { about, ..deed }, Hurry::Never, now_ms);
        }
        let urgent = result.is_ok() && asked.action.is_urgent();
        let app = asked.app.and_then(|name| config.name_of(name));
        self.gather(app, &deed, if urgent { Hurry::Now } else { Hurry::Soon }, now_ms)
    }

    fn gather(
        &mut self,
        app: Option<&AppName>,
        deed: &Deed<'_>,
        hurry: Hurry,
        now_ms: u64,
    ) -> Option<Sending> {
        let journal = self.of(app);
        journal.note(deed, UnixTime::from_millis(now_ms));
        let wait_ms = journal.plan(now_ms, hurry)?;
        Some(Sending { app: app.cloned(), wait_ms })
    }

    /// Whether a success of this action can be noted for an app without a sending that has to be started.
    pub fn is_quiet(&self, config: &Config, action: Action, app: &AppName, now_ms: u64) -> bool {
        let is_planned = || self.apps.get(app).is_some_and(|journal| journal.is_planned(now_ms));
        !leaves_a_line(config, action) || (!action.is_urgent() && is_planned())
    }
}

fn leaves_a_line(config: &Config, action: Action) -> bool {
    action.leaves_a_trace() && (config.history == HistoryOf::All || !action.is_everyday())
}
