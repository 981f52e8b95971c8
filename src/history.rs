//! The history's beginnings in this isolate: deeds of callers are noted in memory, and sent to the Keeper of
//! the app once the answer is on its way. What can be lost: docs/security.md, "The history".

use crate::answer::Outcome;
use crate::bindings::Centre;
use crate::call::Call;
use crate::keeper::client;
use crate::{log, platform};
use serde_json::json;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;
use worker::{Delay, Env};
use zhongkong_core::app::AppName;
use zhongkong_core::history::{Deed, Journal, Line};
use zhongkong_core::request::route::Route;
use zhongkong_core::time::UnixTime;

/// A journal for each configured app, and one for what names none.
pub(crate) struct Journals {
    apps: BTreeMap<AppName, RefCell<Journal>>,
    elsewhere: RefCell<Journal>,
}

impl Journals {
    pub(crate) fn new(apps: impl Iterator<Item = AppName>) -> Self {
        Self { apps: apps.map(|app| (app, RefCell::default())).collect(), elsewhere: RefCell::default() }
    }

    fn at(&self, app: Option<&AppName>) -> &RefCell<Journal> {
        app.and_then(|app| self.apps.get(app)).unwrap_or(&self.elsewhere)
    }

    /// Notes something beside a request; it goes along with the next sending.
    pub(crate) fn note(&self, app: &AppName, deed: &Deed<'_>) {
        self.at(Some(app)).borrow_mut().note(deed, platform::now());
    }
}

/// Notes what became of a request.
pub(crate) fn note(
    call: &Call,
    route: &Route<'_>,
    caller: Option<&str>,
    ip: Option<IpAddr>,
    outcome: &Outcome,
) {
    let (action, credential) = route.action();
    let told = outcome.as_ref().map(|answer| &answer.told);
    if told.is_ok() && !action.leaves_a_trace() {
        return;
    }
    let result = told.map(|told| told.result).map_err(|problem| problem.code.as_str());
    let deed = Deed {
        version: told.ok().and_then(|told| told.version),
        about: told.ok().and_then(|told| told.about.as_deref()),
        errcode: outcome.as_ref().err().and_then(|problem| problem.errcode),
        ..Deed::of_caller(caller, action, credential, result, ip)
    };
    let journals = &call.centre.journals;
    let app = route.app().and_then(|app| journals.apps.get_key_value(app)).map(|(app, _)| app);
    let now_ms = platform::now_millis();
    let mut journal = journals.at(app).borrow_mut();
    journal.note(&deed, UnixTime::from_millis(now_ms));
    if let Some(wait_ms) = journal.plan(now_ms, action.is_urgent()) {
        let (centre, env, app) = (Rc::clone(&call.centre), call.env.clone(), app.cloned());
        call.context.wait_until(async move {
            if wait_ms > 0 {
                Delay::from(Duration::from_millis(wait_ms)).await;
            }
            send(&centre, &env, app.as_ref()).await;
        });
    }
}

/// Sends what has gathered. What does not arrive is sent with the next.
async fn send(centre: &Centre, env: &Env, app: Option<&AppName>) {
    let journal = centre.journals.at(app);
    let (lines, lost) = journal.borrow_mut().take(platform::now_millis());
    if lost > 0 {
        log::error("history_overflows", json!({"app": app, "lost": lost}));
    }
    let back = match app {
        Some(app) => client::note(env, app, lines).await.unwrap_or_else(|lines| {
            log::error("history_unreachable", json!({"app": app, "lines": lines.len()}));
            lines
        }),
        None => into_log(&lines),
    };
    journal.borrow_mut().sent(back);
}

/// What names no app of ours has no Keeper either.
fn into_log(lines: &[Line]) -> Vec<Line> {
    for line in lines {
        let Line { caller, action, result, ip, count, .. } = line;
        let fields = json!({"caller": caller, "action": action, "result": result, "ip": ip, "count": count});
        log::info("refused", fields);
    }
    Vec::new()
}
