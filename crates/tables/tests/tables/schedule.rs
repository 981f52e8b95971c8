//! The scheduler's tables: who is due, and whose a token is.

use crate::memory::Memory;
use zhongkong_core::alert::Book;
use zhongkong_core::app::AppName;
use zhongkong_core::digest::Sha256Digest;
use zhongkong_core::protocol::{Held, SchedulerAsk, SchedulerReply};
use zhongkong_core::time::UnixTime;
use zhongkong_tables::Schedule;

const T0: u64 = 1_800_000_000;

fn at(seconds: u64) -> UnixTime {
    UnixTime::from_secs(T0 + seconds)
}

fn app(name: &str) -> AppName {
    AppName::parse(name).unwrap()
}

fn schedule() -> Schedule<Memory> {
    Schedule::open(Memory::new()).unwrap()
}

fn ask(schedule: &Schedule<Memory>, ask: SchedulerAsk) -> SchedulerReply {
    schedule.answer(ask, "now", || Ok(Book::default())).unwrap()
}

fn due(schedule: &Schedule<Memory>, now: u64) -> Option<Vec<String>> {
    match ask(schedule, SchedulerAsk::Due { configured: "now".to_owned(), now: at(now) }) {
        SchedulerReply::Due(apps) => Some(apps.iter().map(|app| app.as_str().to_owned()).collect()),
        SchedulerReply::Unknown => None,
        _ => panic!("another reply"),
    }
}

fn register(schedule: &Schedule<Memory>, configured: &str, apps: &[(&str, &str)]) {
    let apps = apps.iter().map(|(name, identity)| (app(name), (*identity).to_owned())).collect();
    ask(schedule, SchedulerAsk::Register { configured: configured.to_owned(), apps, now: at(0) });
}

fn note(schedule: &Schedule<Memory>, name: &str, wake_at: u64, token: Option<Held>, now: u64) {
    ask(schedule, SchedulerAsk::Note { app: app(name), wake_at: at(wake_at), token, now: at(now) });
}

fn held(token: &str, until: u64, others_until: u64) -> Option<Held> {
    let digest = Sha256Digest::of(token);
    Some(Held { digest, identity: "mine".to_owned(), until: at(until), others_until: at(others_until) })
}

fn whose(schedule: &Schedule<Memory>, token: &str, now: u64) -> Option<(String, String)> {
    let token = Sha256Digest::of(token);
    match ask(schedule, SchedulerAsk::Whose { token, now: at(now) }) {
        SchedulerReply::App(found) => found.map(|(app, identity)| (app.as_str().to_owned(), identity)),
        _ => panic!("another reply"),
    }
}

#[test]
fn a_configuration_has_to_be_registered_and_by_one_that_runs_it() {
    let schedule = schedule();
    assert_eq!(due(&schedule, 0), None);
    register(&schedule, "older", &[("shop", "a")]);
    assert_eq!(due(&schedule, 0), None, "this scheduler runs under another one");
    register(&schedule, "now", &[("shop", "a"), ("news", "b")]);
    assert_eq!(due(&schedule, 0), Some(vec!["news".to_owned(), "shop".to_owned()]), "new ones are due");
}

#[test]
fn who_waits_longest_is_woken_first_and_nobody_before_the_time() {
    let schedule = schedule();
    register(&schedule, "now", &[("a", "1"), ("b", "1"), ("c", "1")]);
    for (name, wake_at) in [("a", 300), ("b", 100), ("c", 200)] {
        note(&schedule, name, wake_at, None, 0);
    }
    assert_eq!(due(&schedule, 99), Some(vec![]));
    assert_eq!(due(&schedule, 200), Some(vec!["b".to_owned(), "c".to_owned()]));
    let postponed = SchedulerAsk::Postpone { apps: vec![app("b")], until: at(900) };
    ask(&schedule, postponed);
    assert_eq!(due(&schedule, 899), Some(vec!["c".to_owned(), "a".to_owned()]));
    // Registered anew, those that have not changed keep their time.
    register(&schedule, "now", &[("a", "1"), ("b", "2"), ("c", "1")]);
    assert_eq!(due(&schedule, 0), Some(vec!["b".to_owned()]));
}

#[test]
fn a_tick_wakes_no_more_than_it_can() {
    let schedule = schedule();
    let names: Vec<String> = (0..501).map(|n| format!("a{n}")).collect();
    register(&schedule, "now", &names.iter().map(|name| (name.as_str(), "1")).collect::<Vec<_>>());
    assert_eq!(due(&schedule, 0).unwrap().len(), 500);
}

#[test]
fn a_token_is_its_apps_until_its_end_or_for_as_long_as_a_replaced_one_is_taken() {
    let schedule = schedule();
    note(&schedule, "shop", 0, held("one", 7200, 300), 0);
    let shop = Some(("shop".to_owned(), "mine".to_owned()));
    assert_eq!(whose(&schedule, "one", 7199), shop);
    assert_eq!(whose(&schedule, "one", 7200), None);
    note(&schedule, "shop", 0, held("two", 9000, 6300), 6000);
    assert_eq!(whose(&schedule, "one", 6299), shop);
    assert_eq!(whose(&schedule, "one", 6300), None);
    assert_eq!(whose(&schedule, "two", 8999), shop);
    // After a revocation those before it are nobody's.
    note(&schedule, "shop", 0, held("three", 9900, 6200), 6200);
    assert_eq!((whose(&schedule, "one", 6200), whose(&schedule, "two", 6200)), (None, None));
    assert_eq!(whose(&schedule, "three", 6200), shop);
}

#[test]
fn what_is_not_configured_any_more_is_forgotten() {
    let schedule = schedule();
    register(&schedule, "now", &[("shop", "1"), ("news", "1")]);
    note(&schedule, "shop", 0, held("one", 7200, 0), 0);
    ask(&schedule, SchedulerAsk::Forget { apps: vec![app("shop")] });
    assert_eq!((due(&schedule, 0), whose(&schedule, "one", 1)), (Some(vec!["news".to_owned()]), None));
}

#[test]
fn one_test_message_a_minute() {
    let schedule = schedule();
    let wait_s = |now| match ask(&schedule, SchedulerAsk::TestAlert { now: at(now) }) {
        SchedulerReply::TestAlert { wait_s } => wait_s,
        _ => panic!("another reply"),
    };
    assert_eq!([wait_s(0), wait_s(1), wait_s(59), wait_s(60), wait_s(61)], [0, 59, 1, 0, 59]);
}

#[test]
fn it_knows_when_the_cron_has_asked_last_even_for_nothing() {
    let schedule = schedule();
    let tick = || match ask(&schedule, SchedulerAsk::LastTick) {
        SchedulerReply::Tick(tick) => tick.last_at,
        _ => panic!("another reply"),
    };
    assert_eq!(tick(), None);
    due(&schedule, 60);
    assert_eq!(tick(), Some(at(60)));
    ask(&schedule, SchedulerAsk::Broken { now: at(120) });
    assert_eq!(tick(), Some(at(120)));
}
