//! A Keeper's history and counts: what is merged, told in short, shown and forgotten.

use crate::memory::Memory;
use zhongkong_core::credential::{Credential, Version};
use zhongkong_core::encoding::from_json;
use zhongkong_core::engine::{Slot, Status};
use zhongkong_core::history::{Action, Deed, KEPT_DAYS, Kind, Line};
use zhongkong_core::protocol::{Entry, Filter, HistoryAsk, Trends};
use zhongkong_core::providers::wechat::policy::STABLE;
use zhongkong_core::tally::{Reads, Source};
use zhongkong_core::time::UnixTime;
use zhongkong_tables::History;

const TOKEN: Credential = Credential::AccessToken;
/// The beginning of a minute and of an hour.
const T0: u64 = 1_800_000_000;
const DAY_S: u64 = 24 * 3600;

fn at(seconds: u64) -> UnixTime {
    UnixTime::from_secs(T0 + seconds)
}

fn open() -> (Memory, History<Memory>) {
    let memory = Memory::new();
    (memory.clone(), History::open(memory).unwrap())
}

fn read(caller: &str, version: u64) -> Deed<'_> {
    let deed = Deed::of_caller(Some(caller), Action::Read, Some(TOKEN), Ok("ok"), None);
    Deed { version: Some(Version::new(version)), ..deed }
}

fn add(history: &History<Memory>, deed: Deed<'_>, second: u64) {
    history.add(&Line::new(&deed, at(second)), at(second)).unwrap();
}

fn answer<T: serde::de::DeserializeOwned>(history: &History<Memory>, ask: HistoryAsk, now: u64) -> T {
    let not_written = |error: String| panic!("{error}");
    from_json(&history.answer(ask, at(now), not_written).unwrap()).unwrap()
}

fn page(history: &History<Memory>, filter: Filter, now: u64) -> Vec<Entry> {
    answer(history, HistoryAsk::Page(filter), now)
}

fn everything() -> Filter {
    Filter { before: None, limit: 1000, kind: None, action: None, caller: None }
}

#[test]
fn what_is_alike_within_a_minute_is_one_line() {
    let (_, history) = open();
    for second in [0, 20, 59] {
        add(&history, read("web", 1), second);
    }
    add(&history, read("web", 2), 59);
    add(&history, read("web", 1), 60);
    let lines = page(&history, everything(), 60);
    let told: Vec<_> =
        lines.iter().map(|line| (line.version, line.count, line.first_at - T0, line.last_at - T0)).collect();
    assert_eq!(told, [(Some(1), 1, 60, 60), (Some(2), 1, 59, 59), (Some(1), 3, 0, 59)]);
    assert!(lines.windows(2).all(|pair| pair[0].id > pair[1].id), "newest first");
}

#[test]
fn a_crowded_minute_is_told_in_short_and_loses_no_count() {
    let (_, history) = open();
    let most = u64::from(Kind::Access.most_in_a_minute());
    for version in 0..most + 40 {
        add(&history, read("web", version), 1);
    }
    // Another caller's minute is its own.
    add(&history, read("jobs", 5), 1);
    let lines = page(&history, everything(), 1);
    let of =
        |caller: &str| lines.iter().filter(|line| line.caller.as_deref() == Some(caller)).collect::<Vec<_>>();
    assert_eq!(of("web").len() as u64, most + 1);
    assert_eq!(of("web").iter().map(|line| line.count).sum::<u64>(), most + 40);
    assert_eq!(of("web")[0].version, None);
    assert_eq!(of("jobs")[0].version, Some(5));
}

#[test]
fn a_page_is_filtered_and_goes_on_where_it_ended() {
    let (_, history) = open();
    for minute in 0..6 {
        add(&history, read(if minute % 2 == 0 { "web" } else { "jobs" }, 1), minute * 60);
    }
    let refused = Deed::of_caller(Some("web"), Action::Sign, None, Err("not_allowed"), None);
    add(&history, refused, 400);
    let seen = |filter| page(&history, filter, 400).iter().map(|line| line.first_at - T0).collect::<Vec<_>>();
    assert_eq!(seen(Filter { limit: 2, ..everything() }), [400, 300]);
    let before = page(&history, Filter { limit: 2, ..everything() }, 400)[1].id;
    assert_eq!(seen(Filter { before: Some(before), limit: 2, ..everything() }), [240, 180]);
    assert_eq!(seen(Filter { caller: Some("jobs".to_owned()), ..everything() }), [300, 180, 60]);
    assert_eq!(seen(Filter { kind: Some(Kind::Refusal), ..everything() }), [400]);
    assert_eq!(seen(Filter { action: Some(Action::Sign), ..everything() }), [400]);
}

#[test]
fn old_lines_are_not_shown_and_then_gone() {
    let (memory, history) = open();
    add(&history, read("web", 1), 0);
    let last = KEPT_DAYS * DAY_S;
    assert_eq!(page(&history, everything(), last).len(), 1);
    assert!(page(&history, everything(), last + 60).is_empty(), "shown no more");
    assert!(history.forget_old(at(last)).unwrap());
    assert!(!history.forget_old(at(last + 60)).unwrap(), "nothing is left");
    assert_eq!(memory.number("SELECT count(*) FROM events"), 0);
}

#[test]
fn no_kind_crowds_out_another() {
    let (memory, history) = open();
    add(&history, Deed::of_keeper(Action::Alert, Some(TOKEN), "failing"), 0);
    let most = u64::from(Kind::Stranger.most_kept());
    for n in 0..most + 1_500 {
        let guess = Deed::of_caller(None, Action::Read, Some(TOKEN), Err("unauthorized"), None);
        add(&history, guess, n * 60);
    }
    let kept = memory.number("SELECT count(*) FROM events WHERE kind = 'stranger'");
    assert!(kept <= i64::try_from(most).unwrap() + 500, "{kept}");
    assert_eq!(memory.number("SELECT count(*) FROM events WHERE kind = 'upkeep'"), 1);
}

#[test]
fn counts_outlive_their_lines() {
    let (memory, history) = open();
    let refresh = Deed::of_keeper(Action::Refresh, Some(TOKEN), "rotated");
    for second in [0, 10, 3600, 9 * DAY_S] {
        add(&history, refresh, second);
    }
    let mut reads = Reads::default();
    reads.note(Source::Memory);
    let none: Vec<Entry> = answer(&history, HistoryAsk::Note { lines: vec![], reads }, 0);
    assert!(none.is_empty());
    let totals = history.counts().totals().unwrap();
    let of = |what: &str| totals.iter().find(|count| count.what == what).map(|count| count.count);
    assert_eq!((of("refresh"), of("read")), (Some(4), Some(1)));
    let trends: Trends = answer(&history, HistoryAsk::Trends, 0);
    let hours: Vec<_> = trends.hours.iter().map(|hour| (hour.at - T0, hour.count)).collect();
    assert_eq!(hours, [(9 * DAY_S, 1)], "hours of more than eight days ago are gone");
    assert_eq!(memory.number("SELECT count(*) FROM counts WHERE hour > 0"), 1);
}

#[test]
fn a_life_is_written_when_it_begins_and_when_its_end_moves() {
    let (memory, history) = open();
    let note = |version, rotated_at, expires_at| {
        let unknown = Slot::default().status(&STABLE, at(0));
        let (rotated_at, expires_at) = (Some(at(rotated_at)), Some(at(expires_at)));
        let status = Status { version, rotated_at, expires_at, ..unknown };
        history.counts().note_life(TOKEN, &status).unwrap();
    };
    let ends = || memory.number("SELECT expires_at FROM lives ORDER BY version DESC LIMIT 1") - T0 as i64;
    note(1, 0, 7200);
    note(1, 0, 7229);
    assert_eq!(ends(), 7200, "29 s are not worth a write");
    note(1, 0, 7230);
    assert_eq!(ends(), 7230);
    note(2, 7000, 14_200);
    let trends: Trends = answer(&history, HistoryAsk::Trends, 7000);
    assert_eq!(trends.rotations.iter().map(|life| life.version).collect::<Vec<_>>(), [1, 2]);
    note(3, 20 * DAY_S, 20 * DAY_S + 7200);
    assert_eq!(memory.number("SELECT count(*) FROM lives"), 1, "old lives are gone");
}
