//! The history's beginnings in this isolate: what callers do is noted in memory, and sent to the Keeper of
//! the app once the answer is on its way. What can be lost: docs/security.md, "The history".

use crate::answer::Outcome;
use crate::bindings::Centre;
use crate::client;
use crate::context::RequestContext;
use crate::{analytics, log, platform};
use futures_util::future::join_all;
use serde_json::json;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;
use worker::{Delay, Env};
use zhongkong_core::app::AppName;
use zhongkong_core::audit::{self, Asked, Sending};
use zhongkong_core::config::{AppEntry, Fault};
use zhongkong_core::history::{Action, Batch, Deed, Hurry, Line};
use zhongkong_core::tally::Reads;
use zhongkong_core::time::UnixTime;

/// A Keeper that takes longer has not taken it.
const KEEPER_TAKES: Duration = Duration::from_secs(5);

/// One invocation may write 250 data points.
const MOST_POINTS: usize = 240;

/// So many apps are told at once of what they were asked for in vain, or of their faults.
const MOST_APPS: usize = 40;

/// Notes what became of a request.
pub(crate) fn note(request: &RequestContext, asked: &Asked<'_>, caller: Option<&str>, outcome: &Outcome) {
    let outcome = match outcome {
        Ok(answer) => answer.told.outcome(),
        Err(problem) => audit::Outcome::refused(problem),
    };
    let (centre, now_ms) = (&request.centre, platform::now_millis());
    let mut memory = centre.memory.borrow_mut();
    let sending = memory.audit.note(&centre.config, asked, caller, request.ip(), &outcome, now_ms);
    drop(memory);
    if let Some(sending) = sending {
        let (centre, env) = (Rc::clone(centre), request.env.clone());
        request.context.wait_until(send_later(centre, env, sending));
    }
}

/// Sends lines when it is time. What did not arrive, or came meanwhile without a request that could send it, is sent from here
/// too.
async fn send_later(centre: Rc<Centre>, env: Env, Sending { app, wait_ms }: Sending) {
    let app = app.as_ref();
    let mut wait_ms = Some(wait_ms);
    while let Some(pause_ms) = wait_ms {
        if pause_ms > 0 {
            Delay::from(Duration::from_millis(pause_ms)).await;
        }
        send(&centre, &env, app).await;
        wait_ms = centre.memory.borrow_mut().audit.of(app).plan(platform::now_millis(), Hurry::Soon);
    }
}

/// Sends what has gathered. What does not arrive is sent with the next.
async fn send(centre: &Centre, env: &Env, app: Option<&AppName>) {
    let batch = centre.memory.borrow_mut().audit.of(app).take(platform::now_millis());
    let Batch { lines, reads, lost } = batch;
    if lost > 0 {
        log::warn("history_overflows", json!({"app": app, "lost": lost}));
    }
    let (back, reads) = match app {
        // They go along with the next line.
        _ if lines.is_empty() => (lines, reads),
        Some(app) => deliver(centre, env, app, lines, reads).await,
        None => share_out(centre, env, lines).await,
    };
    centre.memory.borrow_mut().audit.of(app).sent(back, reads);
}

/// To the Keeper of an app; what did not arrive comes back.
async fn deliver(
    centre: &Centre,
    env: &Env,
    app: &AppName,
    lines: Vec<Line>,
    reads: Reads,
) -> (Vec<Line>, Reads) {
    let kept = lines.clone();
    if platform::timeout(client::note(env, app, lines, reads), KEEPER_TAKES).await == Some(true) {
        kept.iter().take(MOST_POINTS).for_each(|line| analytics::tell(centre, app, line));
        analytics::tell_reads(centre, app, reads);
        return (Vec::new(), Reads::default());
    }
    log::warn("history_unreachable", json!({"app": app, "lines": kept.len()}));
    (kept, reads)
}

/// Lines of those who may not: each to the app that it names, if there is one, else into the log. What
/// does not arrive is lost: it is not kept at the cost of others.
async fn share_out(centre: &Centre, env: &Env, lines: Vec<Line>) -> (Vec<Line>, Reads) {
    let mut apps: BTreeMap<&AppName, Vec<Line>> = BTreeMap::new();
    let mut nowhere: BTreeMap<(Option<String>, Action, String), u64> = BTreeMap::new();
    for line in lines {
        let named = line.about.as_deref().and_then(|name| centre.config.name_of(name));
        match named.filter(|app| apps.len() < MOST_APPS || apps.contains_key(app)) {
            Some(app) => apps.entry(app).or_default().push(Line { about: None, ..line }),
            None => *nowhere.entry((line.caller, line.action, line.result)).or_default() += line.count,
        }
    }
    for ((caller, action, result), count) in nowhere {
        log::info("refused", json!({"caller": caller, "action": action, "result": result, "count": count}));
    }
    let told = apps.into_iter().map(|(app, lines)| deliver(centre, env, app, lines, Reads::default()));
    join_all(told).await;
    (Vec::new(), Reads::default())
}

/// Once for each configuration: what is wrong with an app goes into its history. The log has all of it.
pub(crate) async fn tell_faults(centre: &Centre, env: &Env, now: UnixTime) {
    let faulty = centre.config.apps.iter().filter_map(|(app, entry)| match entry {
        AppEntry::Faulty(faults) => Some((app, faults)),
        AppEntry::Ready(_) => None,
    });
    let told = faulty.take(MOST_APPS).map(|(app, faults)| {
        let deed = Deed::of_keeper(Action::Configuration, None, "misconfigured");
        let line = |fault: &Fault| Line::new(&Deed { about: Some(&fault.setting), ..deed }, now);
        deliver(centre, env, app, faults.iter().map(line).collect(), Reads::default())
    });
    join_all(told).await;
}
