//! The history's beginnings in this isolate: deeds of callers are noted in memory, and sent to the Keeper of
//! the app once the answer is on its way. What can be lost: docs/security.md, "The history".

use crate::answer::Outcome;
use crate::bindings::Centre;
use crate::call::Call;
use crate::keeper::client;
use crate::runtime::{Env, Pause};
use crate::together;
use crate::{analytics, log, platform};
use futures_util::FutureExt as _;
use futures_util::future::{Either, select};
use litemap::LiteMap;
use std::net::IpAddr;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;
use zhongkong_core::app::AppName;
use zhongkong_core::config::{AppEntry, Fault, HistoryOf};
use zhongkong_core::credential::Credential;
use zhongkong_core::history::{Action, Batch, Deed, Hurry, Line};
use zhongkong_core::problem::Code;
use zhongkong_core::request::route::Route;
use zhongkong_core::tally::Reads;
use zhongkong_core::time::UnixTime;

/// A Keeper that takes longer has not taken it.
const KEEPER_TAKES: Duration = Duration::from_secs(5);

/// One invocation may write 250 data points.
const MOST_POINTS: usize = 240;

/// So many apps are told at once of what they were asked for in vain, or of their faults.
const MOST_APPS: usize = 40;

/// What was asked for.
pub(crate) struct Asked<'a> {
    pub(crate) action: Action,
    pub(crate) credential: Option<Credential>,
    /// The app, as the request names it.
    pub(crate) app: Option<&'a str>,
}

impl<'a> Asked<'a> {
    /// What a path of the native API asks for; `None` for a path that is none of ours.
    pub(crate) fn by(route: Option<&Route<'a>>) -> Self {
        let (action, credential) = route.map_or((Action::Unknown, None), Route::action);
        Self { action, credential, app: route.and_then(Route::app) }
    }
}

/// Notes what became of a request.
pub(crate) fn note(
    call: &Call,
    asked: &Asked<'_>,
    caller: Option<&str>,
    ip: Option<IpAddr>,
    outcome: &Outcome,
) {
    let Asked { action, credential, app } = *asked;
    let told = outcome.as_ref().ok().map(|answer| &answer.told);
    let result = outcome.as_ref().map_err(|problem| problem.code).and_then(|answer| answer.told.result);
    let of_all = call.centre.config.history == HistoryOf::All;
    if result.is_ok() && !(action.leaves_a_trace() && (of_all || !action.is_everyday())) {
        return;
    }
    let deed = Deed {
        version: told.and_then(|told| told.version),
        about: told.and_then(|told| told.about.as_deref()),
        errcode: outcome.as_ref().err().and_then(|problem| problem.errcode),
        ..Deed::of_caller(caller, action, credential, result.map_err(Code::as_str), ip)
    };
    let may_not = result.is_err_and(|code| caller.is_none() || code == Code::NotAllowed);
    if may_not {
        let about = app.filter(|name| AppName::parse(name).is_some());
        return gather(call, None, &Deed { about, ..deed }, Hurry::Never);
    }
    let app = app.and_then(|name| call.centre.config.name_of(name));
    let urgent = result.is_ok() && action.is_urgent();
    gather(call, app, &deed, if urgent { Hurry::Now } else { Hurry::Soon });
}

/// Notes a deed, and plans the sending where none is planned.
fn gather(call: &Call, app: Option<&AppName>, deed: &Deed<'_>, hurry: Hurry) {
    let now_ms = platform::now_millis();
    let mut journal = call.centre.journals.of(app).borrow_mut();
    journal.note(deed, UnixTime::from_millis(now_ms));
    let Some(wait_ms) = journal.plan(now_ms, hurry) else { return };
    let (centre, env, app) = (Rc::clone(&call.centre), call.env.clone(), app.cloned());
    let later = async move {
        let mut wait_ms = Some(wait_ms);
        // What did not arrive, or came meanwhile without a request that could send it, is sent from here too.
        while let Some(pause_ms) = wait_ms {
            if pause_ms > 0 {
                Pause::of(Duration::from_millis(pause_ms)).await;
            }
            send(&centre, &env, app.as_ref()).await;
            let journal = centre.journals.of(app.as_ref());
            wait_ms = journal.borrow_mut().plan(platform::now_millis(), Hurry::Soon);
        }
    };
    call.context.wait_until(later.boxed_local());
}

/// Sends what has gathered. What does not arrive is sent with the next.
async fn send(centre: &Centre, env: &Env, app: Option<&AppName>) {
    let journal = centre.journals.of(app);
    let Batch { lines, reads, lost } = journal.borrow_mut().take(platform::now_millis());
    if lost > 0 {
        log::warn("history_overflows", &[("app", &app), ("lost", &lost)]);
    }
    if lines.is_empty() {
        // They go along with the next line.
        journal.borrow_mut().sent(lines, reads);
        return;
    }
    let (back, reads) = match app {
        Some(app) => deliver(centre, env, app, lines, reads).await,
        None => share_out(centre, env, lines).await,
    };
    journal.borrow_mut().sent(back, reads);
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
    let sent = pin!(client::note(env, app, lines, reads));
    match select(sent, pin!(Pause::of(KEEPER_TAKES))).await {
        Either::Left((true, _)) => {
            kept.iter().take(MOST_POINTS).for_each(|line| analytics::tell(centre, app, line));
            analytics::tell_reads(centre, app, reads);
            (Vec::new(), Reads::default())
        }
        _ => {
            log::warn("history_unreachable", &[("app", &app), ("lines", &kept.len())]);
            (kept, reads)
        }
    }
}

/// Lines of those who may not: each to the app that it names, if there is one, else into the log. What
/// does not arrive is lost: it is not kept at the cost of others.
async fn share_out(centre: &Centre, env: &Env, lines: Vec<Line>) -> (Vec<Line>, Reads) {
    let mut apps: LiteMap<&AppName, Vec<Line>> = LiteMap::new();
    let mut nowhere: LiteMap<(Option<String>, Action, String), u64> = LiteMap::new();
    for line in lines {
        let named = line.about.as_deref().and_then(|name| centre.config.name_of(name));
        match named.filter(|app| apps.len() < MOST_APPS || apps.contains_key(app)) {
            Some(app) => apps.entry(app).or_default().push(Line { about: None, ..line }),
            None => *nowhere.entry((line.caller, line.action, line.result)).or_default() += line.count,
        }
    }
    for ((caller, action, result), count) in nowhere {
        log::info(
            "refused",
            &[("caller", &caller), ("action", &action), ("result", &result), ("count", &count)],
        );
    }
    let told = apps.into_iter().map(|(app, lines)| deliver(centre, env, app, lines, Reads::default()));
    together::all(told).await;
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
    together::all(told).await;
}
