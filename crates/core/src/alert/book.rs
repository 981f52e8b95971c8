//! The book of incidents: which are open, what has been told of them, and what waits to be delivered.

use super::{Finding, Incident};
use crate::credential::Credential;
use crate::time::UnixTime;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// So many beginnings are told within an hour; what begins and ends beyond that is only counted.
const MOST_AN_HOUR: usize = 8;
const HOUR_S: u64 = 3600;

/// Pauses between attempts to deliver a notice, in seconds.
const AGAIN_FIRST_S: u64 = 5;
const AGAIN_LONGEST_S: u64 = 300;

/// What could not be delivered for a day is given up: the status has it.
const GIVEN_UP_AFTER_S: u64 = 24 * 3600;

/// An incident that is going on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// When it was found.
    pub since: UnixTime,
    /// What it has been about so far ([`Finding::cause`]).
    pub causes: Vec<String>,
    /// Whether a person has been told, or will be.
    pub told: bool,
}

/// Which end of an incident a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It has begun, or has got another cause.
    Firing,
    /// It is over.
    Resolved,
}

/// One message to a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Counts up within one book: with the app it tells a second delivery of the same notice.
    pub id: u64,
    /// What is wrong.
    pub incident: Incident,
    /// Beginning or end.
    pub phase: Phase,
    /// The credentials that it is about.
    pub credentials: Vec<Credential>,
    /// WeChat's code, where it gave one.
    pub errcode: Option<i64>,
    /// What happened and what to do; empty for an end.
    pub detail: String,
    /// When the first of them dies, where that is at stake.
    pub dies_at: Option<UnixTime>,
    /// When it began.
    pub since: UnixTime,
    /// When this was noted.
    pub at: UnixTime,
    /// Incidents of the last hour that were not told, because there were too many.
    pub untold: u32,
}

/// All of one app, or of the centre.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Book {
    open: BTreeMap<Incident, Open>,
    outbox: VecDeque<Notice>,
    last_id: u64,
    told_at: Vec<UnixTime>,
    untold: u32,
    failures: u32,
    not_before: Option<UnixTime>,
}

impl Book {
    /// Compares what is wrong now with what was. `can_tell`: somebody is there to be told.
    pub fn look(&mut self, findings: &[Finding], now: UnixTime, can_tell: bool) {
        for incident in Incident::ALL {
            let found: Vec<&Finding> = findings.iter().filter(|found| found.incident == incident).collect();
            if found.is_empty() {
                self.end(incident, now);
            } else {
                self.go_on(incident, &found, now, can_tell);
            }
        }
    }

    fn go_on(&mut self, incident: Incident, found: &[&Finding], now: UnixTime, can_tell: bool) {
        let mut open =
            self.open.remove(&incident).unwrap_or(Open { since: now, causes: vec![], told: false });
        for finding in found {
            if !finding.cause.is_empty() && !open.causes.contains(&finding.cause) {
                open.causes.push(finding.cause.clone());
                open.told = false;
            }
        }
        self.told_at.retain(|told| told.until(now) < HOUR_S);
        if !open.told && can_tell && self.told_at.len() < MOST_AN_HOUR {
            open.told = true;
            self.told_at.push(now);
            let untold = std::mem::take(&mut self.untold);
            // Those that need a person speak for all.
            let grave = found.iter().any(|finding| !finding.cause.is_empty());
            let speak: Vec<&&Finding> =
                found.iter().filter(|finding| finding.cause.is_empty() != grave).collect();
            let mut details: Vec<&str> = speak.iter().map(|finding| finding.detail.as_str()).collect();
            details.dedup();
            self.tell(Notice {
                id: 0,
                incident,
                phase: Phase::Firing,
                credentials: found.iter().filter_map(|finding| finding.credential).collect(),
                errcode: speak.iter().find_map(|finding| finding.errcode),
                detail: details.join("\n"),
                dies_at: found.iter().filter_map(|finding| finding.dies_at).min(),
                since: open.since,
                at: now,
                untold,
            });
        }
        self.open.insert(incident, open);
    }

    fn end(&mut self, incident: Incident, now: UnixTime) {
        let Some(open) = self.open.remove(&incident) else { return };
        if !open.told {
            self.untold += 1;
            return;
        }
        self.tell(Notice {
            id: 0,
            incident,
            phase: Phase::Resolved,
            credentials: vec![],
            errcode: None,
            detail: String::new(),
            dies_at: None,
            since: open.since,
            at: now,
            untold: 0,
        });
    }

    fn tell(&mut self, notice: Notice) {
        self.last_id += 1;
        self.outbox.push_back(Notice { id: self.last_id, ..notice });
    }

    /// The incidents that are going on.
    pub const fn open(&self) -> &BTreeMap<Incident, Open> {
        &self.open
    }

    /// How many notices wait to be delivered.
    pub fn waiting(&self) -> usize {
        self.outbox.len()
    }

    /// When the next attempt is due; `None` when nothing waits.
    pub fn due_at(&self) -> Option<UnixTime> {
        self.outbox.front().map(|_| self.not_before.unwrap_or(UnixTime::from_secs(0)))
    }

    /// The notice to deliver now. They are delivered one after the other, the oldest first.
    pub fn due(&self, now: UnixTime) -> Option<&Notice> {
        self.outbox.front().filter(|_| self.due_at().is_some_and(|at| at <= now))
    }

    /// The notice with this id has arrived.
    pub fn delivered(&mut self, id: u64) {
        if self.outbox.front().is_some_and(|notice| notice.id == id) {
            self.outbox.pop_front();
            (self.failures, self.not_before) = (0, None);
        }
    }

    /// The notice with this id has not arrived. Says whether it is given up.
    pub fn failed(&mut self, id: u64, now: UnixTime) -> bool {
        if self.outbox.front().is_none_or(|notice| notice.id != id) {
            return false;
        }
        let given_up = self.outbox.front().is_some_and(|notice| notice.at.until(now) >= GIVEN_UP_AFTER_S);
        if given_up {
            self.outbox.pop_front();
        }
        let pause_s = (AGAIN_FIRST_S << self.failures.min(16)).min(AGAIN_LONGEST_S);
        self.failures = self.failures.saturating_add(1);
        self.not_before = Some(now.plus(pause_s));
        given_up
    }
}

#[cfg(test)]
mod tests {
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
        book.outbox.iter().map(|notice| (notice.phase, notice.errcode, T0.until(notice.at))).collect()
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
        assert!(book.outbox[1].detail.ends_with("40164"));
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
        assert_eq!(book.outbox.back().map(|notice| notice.untold), Some(1792));
    }

    #[test]
    fn with_nobody_to_tell_it_is_told_when_somebody_comes() {
        let mut book = Book::default();
        book.look(&[failing("40164")], T0, false);
        assert_eq!((book.waiting(), book.open().len()), (0, 1));
        book.look(&[failing("40164")], T0.plus(60), true);
        assert_eq!(told(&book), [(Phase::Firing, Some(40164), 60)]);
        assert_eq!(book.outbox[0].since, T0);
    }

    #[test]
    fn what_does_not_arrive_is_tried_again_for_a_day_in_order() {
        let mut book = Book::default();
        book.look(&[failing("40164")], T0, true);
        book.look(&[], T0.plus(1), true);
        let (mut now, mut attempts) = (T0.plus(1), 0);
        while let Some(id) = book.due(now).map(|notice| notice.id) {
            assert_eq!(id, 1);
            attempts += 1;
            if book.failed(id, now) {
                break;
            }
            now = book.due_at().unwrap();
        }
        assert!((280..320).contains(&attempts), "{attempts}");
        assert_eq!(book.outbox.front().map(|notice| notice.phase), Some(Phase::Resolved));
        book.delivered(7);
        assert_eq!(book.waiting(), 1, "an answer about another notice");
        book.delivered(2);
        assert_eq!((book.waiting(), book.due_at()), (0, None));
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
}
