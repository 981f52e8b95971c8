//! What the book tells, when, and how often.

use super::*;
use proptest::prelude::*;

const T0: UnixTime = UnixTime::from_secs(1_800_000_000);

fn failing(cause: &str) -> Finding {
    Finding {
        incident: Incident::RefreshFailing,
        credential: Some(Credential::AccessToken),
        cause: cause.to_owned(),
        errcode: cause.parse().ok(),
        detail: format!("do something about {cause}"),
        dies_at: None,
    }
}

fn told(book: &Book) -> Vec<(Phase, Option<i64>, u64)> {
    book.outbox.iter().map(|w| (w.notice.phase, w.notice.errcode, T0.until(w.notice.at))).collect()
}

#[test]
fn an_outage_is_one_alert_and_one_recovery_whatever_happens_in_it() {
    let mut book = Book::default();
    for second in 0..1200 {
        book.look(&[failing(""), failing("")], T0.plus(second), true);
    }
    book.look(&[], T0.plus(1200), true);
    book.look(&[], T0.plus(1201), true);
    assert_eq!(told(&book), [(Phase::Firing, None, 0), (Phase::Resolved, None, 1200)]);
}

#[test]
fn a_cause_that_needs_a_person_is_told_within_an_incident_once() {
    let mut book = Book::default();
    for (second, cause) in ["", "40164", "", "40125", "40164"].iter().enumerate() {
        book.look(&[failing(cause)], T0.plus(second as u64), true);
    }
    book.look(&[], T0.plus(9), true);
    assert_eq!(
        told(&book),
        [
            (Phase::Firing, None, 0),
            (Phase::Firing, Some(40164), 1),
            (Phase::Firing, Some(40125), 3),
            (Phase::Resolved, None, 9)
        ]
    );
    assert!(book.outbox[1].notice.detail.ends_with("40164"));
}

#[test]
fn a_storm_is_cut_short_and_counted() {
    let mut book = Book::default();
    for second in 0..3600 {
        let findings = if second % 2 == 0 { vec![failing("")] } else { vec![] };
        book.look(&findings, T0.plus(second), true);
    }
    assert_eq!(book.waiting(), 2 * MOST_AN_HOUR);
    book.look(&[failing("")], T0.plus(3700), true);
    assert_eq!(book.outbox.last().map(|waiting| waiting.notice.untold), Some(1792));
}

#[test]
fn with_nobody_to_tell_it_is_told_when_somebody_comes() {
    let mut book = Book::default();
    book.look(&[failing("40164")], T0, false);
    assert_eq!((book.waiting(), book.open().len()), (0, 1));
    book.look(&[failing("40164")], T0.plus(60), true);
    assert_eq!(told(&book), [(Phase::Firing, Some(40164), 60)]);
    assert_eq!(book.outbox[0].notice.since, T0);
}

#[test]
fn what_does_not_arrive_is_tried_again_for_a_day_and_then_told_anew_if_it_goes_on() {
    let mut book = Book::default();
    book.look(&[failing("40164")], T0, true);
    let (mut now, mut attempts) = (T0, 0);
    while let Some(id) = book.due(now).map(|notice| notice.id) {
        attempts += 1;
        if book.failed(id, now) {
            break;
        }
        now = book.due_at().unwrap();
    }
    assert!((280..320).contains(&attempts), "{attempts}");
    assert_eq!((book.waiting(), book.open()[&Incident::RefreshFailing].told), (0, false));
    book.look(&[failing("40164")], now, true);
    let id = book.due(now).map(|notice| (notice.id, notice.phase, notice.since));
    assert_eq!(id, Some((2, Phase::Firing, T0)));
    book.delivered(7);
    assert_eq!(book.waiting(), 1, "an answer about another notice");
    book.delivered(2);
    assert!(book.waiting() == 0 && book.open()[&Incident::RefreshFailing].told);
}

#[test]
fn the_end_of_what_nobody_heard_of_is_not_told_and_of_what_was_heard_of_is() {
    let mut book = Book::default();
    book.look(&[failing("")], T0, true);
    for incident in 0..7 {
        let cause = format!("4012{incident}");
        book.look(&[failing(&cause)], T0.plus(incident), true);
    }
    // More than may be told in this hour; the beginning was told, so its end is.
    book.look(&[failing("40164")], T0.plus(60), true);
    book.look(&[], T0.plus(70), true);
    assert_eq!(book.outbox.last().map(|waiting| waiting.notice.phase), Some(Phase::Resolved));
    let mut book = Book::default();
    book.look(&[failing("")], T0, false);
    book.look(&[], T0.plus(10), false);
    book.look(&[failing("")], T0.plus(20), true);
    assert_eq!(told(&book), [(Phase::Firing, None, 20)]);
    assert_eq!(book.outbox[0].notice.untold, 0, "there was nobody to tell");
}

#[test]
fn a_setting_that_is_broken_again_is_news_again() {
    let setting = |cause: &str| Finding { incident: Incident::Misconfigured, ..failing(cause) };
    let mut book = Book::default();
    for (second, causes) in
        [&["LOG_LEVEL"][..], &["LOG_LEVEL", "SECRET"], &["LOG_LEVEL"], &["LOG_LEVEL", "SECRET"]]
            .iter()
            .enumerate()
    {
        let findings: Vec<Finding> = causes.iter().map(|cause| setting(cause)).collect();
        book.look(&findings, T0.plus(second as u64), true);
    }
    assert_eq!(told(&book).iter().map(|told| told.2).collect::<Vec<_>>(), [0, 1, 3]);
}

#[test]
fn a_message_that_is_refused_holds_up_only_its_own_incident() {
    let mut book = Book::default();
    book.look(&[Finding { incident: Incident::KilledOutside, ..failing("") }], T0, true);
    book.look(&[Finding { incident: Incident::KilledOutside, ..failing("") }, failing("40164")], T0, true);
    assert!(!book.failed(1, T0));
    assert_eq!(book.due(T0).map(|notice| notice.incident), Some(Incident::RefreshFailing));
    book.delivered(2);
    assert_eq!((book.due(T0), book.due_at()), (None, Some(T0.plus(5))));
}

#[test]
fn what_waits_is_bounded_whatever_happens_for_a_month() {
    let mut book = Book::default();
    for minute in 0..30 * 24 * 60 {
        let now = T0.plus(minute * 60);
        let findings = if minute % 2 == 0 { vec![failing("")] } else { vec![] };
        book.look(&findings, now, true);
        if let Some(id) = book.due(now).map(|notice| notice.id) {
            book.failed(id, now);
        }
        assert!(book.waiting() <= MOST_WAITING);
    }
}

proptest! {
    /// Every alert is followed by its recovery before the next begins, and no hour has more than its share.
    #[test]
    fn alerts_and_recoveries_alternate(steps in prop::collection::vec((any::<bool>(), 0_u64..400), 0..200)) {
        let (mut book, mut now) = (Book::default(), T0);
        for (wrong, pause) in steps {
            now = now.plus(pause);
            book.look(&if wrong { vec![failing("")] } else { vec![] }, now, true);
        }
        let told = told(&book);
        for pair in told.windows(2) {
            prop_assert_ne!(pair[0].0, pair[1].0);
        }
        let firing: Vec<u64> = told.iter().filter(|(phase, ..)| *phase == Phase::Firing).map(|(.., at)| *at).collect();
        for (nth, at) in firing.iter().enumerate() {
            prop_assert!(firing[nth..].iter().filter(|later| **later < at + HOUR_S).count() <= MOST_AN_HOUR);
        }
    }
}
