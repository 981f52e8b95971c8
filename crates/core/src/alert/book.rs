//! The book of incidents: which are open, what has been told of them, and what waits to be delivered.

use super::{Finding, Incident};
use crate::credential::Credential;
use crate::time::UnixTime;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// So many beginnings are told within an hour; what begins and ends beyond that is only counted.
const MOST_AN_HOUR: usize = 8;
const HOUR_S: u64 = 3600;

/// So many notices wait at most.
const MOST_WAITING: usize = 32;

/// Pauses between attempts to deliver a notice, in seconds.
const AGAIN_FIRST_S: u64 = 5;
const AGAIN_LONGEST_S: u64 = 300;

/// What could not be delivered for a day is given up; what still goes on then is told anew.
const GIVEN_UP_AFTER_S: u64 = 24 * 3600;

/// An incident that is going on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// When it was found.
    pub since: UnixTime,
    /// What it is about now, as far as a person has to know ([`Finding::cause`]).
    pub causes: Vec<String>,
    /// Whether there is something about it that nobody was told of.
    news: bool,
    /// Whether its beginning waits to be delivered, or was: then its end is told, too.
    announced: bool,
    /// Whether somebody has been told: the receiver has taken it.
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
    /// Incidents that came and went without a message, because there were too many.
    pub untold: u32,
}

impl Notice {
    /// What is sent to see that it arrives.
    pub const fn test(now: UnixTime) -> Self {
        Self {
            id: 0,
            incident: Incident::Test,
            phase: Phase::Firing,
            credentials: Vec::new(),
            errcode: None,
            detail: String::new(),
            dies_at: None,
            since: now,
            at: now,
            untold: 0,
        }
    }
}

/// A notice that has not arrived yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Waiting {
    notice: Notice,
    tries: u32,
    not_before: UnixTime,
}

/// All of one app, or of the centre.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Book {
    open: BTreeMap<Incident, Open>,
    outbox: Vec<Waiting>,
    last_id: u64,
    told_at: Vec<UnixTime>,
    untold: u32,
}

impl Book {
    /// Compares what is wrong now with what was. `can_tell`: somebody is there to be told.
    pub fn look(&mut self, findings: &[Finding], now: UnixTime, can_tell: bool) {
        self.forget_old(now);
        self.told_at.retain(|told| told.until(now) < HOUR_S);
        for incident in Incident::ALL {
            let found: Vec<&Finding> = findings.iter().filter(|found| found.incident == incident).collect();
            if found.is_empty() {
                self.end(incident, now, can_tell);
            } else {
                self.go_on(incident, &found, now, can_tell);
            }
        }
    }

    fn go_on(&mut self, incident: Incident, found: &[&Finding], now: UnixTime, can_tell: bool) {
        let begun = Open { since: now, causes: vec![], news: true, announced: false, told: false };
        let mut open = self.open.remove(&incident).unwrap_or(begun);
        let causes: Vec<&str> =
            found.iter().map(|finding| finding.cause.as_str()).filter(|cause| !cause.is_empty()).collect();
        // Settings come and go by themselves; an errcode that has been told stays told until the end.
        if incident == Incident::Misconfigured {
            open.causes.retain(|cause| causes.contains(&cause.as_str()));
        }
        for cause in causes {
            if !open.causes.iter().any(|known| known == cause) {
                open.causes.push(cause.to_owned());
                open.news = true;
            }
        }
        if open.news && can_tell && self.told_at.len() < MOST_AN_HOUR {
            (open.news, open.announced) = (false, true);
            self.told_at.push(now);
            let untold = std::mem::take(&mut self.untold);
            self.tell(firing(incident, found, open.since, now, untold));
        }
        self.open.insert(incident, open);
    }

    fn end(&mut self, incident: Incident, now: UnixTime, can_tell: bool) {
        let Some(open) = self.open.remove(&incident) else { return };
        if !open.announced {
            self.untold += u32::from(can_tell);
        } else if can_tell {
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
    }

    fn tell(&mut self, notice: Notice) {
        self.last_id += 1;
        let notice = Notice { id: self.last_id, ..notice };
        self.outbox.push(Waiting { notice, tries: 0, not_before: UnixTime::from_secs(0) });
        if self.outbox.len() > MOST_WAITING {
            self.give_up(0);
        }
    }

    /// Gives up a beginning with its end, or an end. What still goes on is news again.
    fn give_up(&mut self, place: usize) {
        if place >= self.outbox.len() {
            return;
        }
        let Notice { incident, phase, since, .. } = self.outbox.remove(place).notice;
        if phase == Phase::Firing {
            self.untold += 1;
            self.outbox
                .retain(|waiting| (waiting.notice.incident, waiting.notice.since) != (incident, since));
            if let Some(open) = self.open.get_mut(&incident).filter(|open| open.since == since && !open.told)
            {
                (open.news, open.announced) = (true, false);
            }
        }
    }

    fn forget_old(&mut self, now: UnixTime) {
        while let Some(place) =
            self.outbox.iter().position(|waiting| waiting.notice.at.until(now) >= GIVEN_UP_AFTER_S)
        {
            self.give_up(place);
        }
    }

    /// The incidents that are going on.
    pub const fn open(&self) -> &BTreeMap<Incident, Open> {
        &self.open
    }

    /// Whether this one is going on.
    pub fn is_open(&self, incident: Incident) -> bool {
        self.open.contains_key(&incident)
    }

    /// How many notices wait to be delivered.
    pub fn waiting(&self) -> usize {
        self.outbox.len()
    }

    /// Those that may be sent next: the oldest of each incident. A receiver that refuses one may take another.
    fn heads(&self) -> impl Iterator<Item = &Waiting> {
        let is_head = |place: usize, waiting: &Waiting| {
            let mut before = self.outbox.iter().take(place);
            before.all(|earlier| earlier.notice.incident != waiting.notice.incident)
        };
        let placed = self.outbox.iter().enumerate();
        placed.filter(move |(place, waiting)| is_head(*place, waiting)).map(|(_, waiting)| waiting)
    }

    /// When the next attempt is due; `None` when nothing waits.
    pub fn due_at(&self) -> Option<UnixTime> {
        self.heads().map(|waiting| waiting.not_before).min()
    }

    /// The notice to deliver now.
    pub fn due(&self, now: UnixTime) -> Option<&Notice> {
        self.heads().find(|waiting| waiting.not_before <= now).map(|waiting| &waiting.notice)
    }

    /// The notice with this id has arrived.
    pub fn delivered(&mut self, id: u64) {
        let Some(place) = self.place_of(id) else { return };
        let Notice { incident, phase, since, .. } = self.outbox.remove(place).notice;
        if let (Phase::Firing, Some(open)) = (phase, self.open.get_mut(&incident)) {
            open.told |= open.since == since;
        }
    }

    /// The notice with this id has not arrived. Says whether it is given up.
    pub fn failed(&mut self, id: u64, now: UnixTime) -> bool {
        let Some(place) = self.place_of(id) else { return false };
        if let Some(waiting) = self.outbox.get_mut(place) {
            let pause_s = (AGAIN_FIRST_S << waiting.tries.min(16)).min(AGAIN_LONGEST_S);
            waiting.tries = waiting.tries.saturating_add(1);
            waiting.not_before = now.plus(pause_s);
        }
        self.forget_old(now);
        self.place_of(id).is_none()
    }

    fn place_of(&self, id: u64) -> Option<usize> {
        self.outbox.iter().position(|waiting| waiting.notice.id == id)
    }
}

/// The beginning of an incident, in the words of what needs a person, where something does.
fn firing(incident: Incident, found: &[&Finding], since: UnixTime, at: UnixTime, untold: u32) -> Notice {
    let grave = found.iter().any(|finding| !finding.cause.is_empty());
    let speak: Vec<&&Finding> = found.iter().filter(|finding| finding.cause.is_empty() != grave).collect();
    let mut details: Vec<&str> = speak.iter().map(|finding| finding.detail.as_str()).collect();
    details.dedup();
    Notice {
        id: 0,
        incident,
        phase: Phase::Firing,
        credentials: found.iter().filter_map(|finding| finding.credential).collect(),
        errcode: speak.iter().find_map(|finding| finding.errcode),
        detail: details.join("\n"),
        dies_at: found.iter().filter_map(|finding| finding.dies_at).min(),
        since,
        at,
        untold,
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
        book.look(
            &[Finding { incident: Incident::KilledOutside, ..failing("") }, failing("40164")],
            T0,
            true,
        );
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
}
