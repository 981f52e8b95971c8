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

    /// Whether the notice with this id waits to be delivered.
    pub fn is_waiting(&self, id: u64) -> bool {
        self.place_of(id).is_some()
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
mod tests;
