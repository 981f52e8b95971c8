//! The lines that gather in an isolate before they are sent to the Keeper.
//!
//! The first line after a quiet time is sent a moment later ([`ASIDE_MS`]), the next ones together [`PAUSE_MS`]
//! later: a read costs no I/O, and a lone one leaves its trace within a moment.

use super::{Deed, Line, minute};
use crate::tally::{Reads, Source};
use crate::time::UnixTime;

/// Between two sendings, in milliseconds. A Worker may work on for 30 s after an answer.
const PAUSE_MS: u64 = 25_000;

/// So long a line waits unless it is grave, in milliseconds: the answer leaves first. To wake a Keeper may take as long as to answer.
const ASIDE_MS: u64 = 50;

/// A sending that has not begun so long after its time is not believed to come any more.
const LATE_MS: u64 = 5_000;

/// So many addresses of one caller are told apart in one sending; the others share a line without one.
const ADDRESSES: usize = 4;

/// So many subjects (paths that are passed through, apps that are asked for in vain) likewise.
const SUBJECTS: usize = 32;

/// While the Keeper cannot be reached, lines gather up to so many; what comes after is only counted.
const MOST_LINES: usize = 500;

/// What has happened in this isolate and is not yet with the Keeper.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    lines: Vec<Line>,
    reads: Reads,
    lost: u64,
    sent_at_ms: Option<u64>,
    /// When the next sending begins. One that is under way has its lines already, and counts no more.
    planned_ms: Option<u64>,
}

/// What is sent at once.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// What has happened.
    pub lines: Vec<Line>,
    /// Where reads were served from.
    pub reads: Reads,
    /// How many deeds had no room.
    pub lost: u64,
}

impl Journal {
    /// Notes where a read was served from; it goes along with its line.
    pub const fn note_read(&mut self, source: Source) {
        self.reads.note(source);
    }

    /// Notes one deed. Nothing is allocated where its line is there already.
    pub fn note(&mut self, deed: &Deed<'_>, now: UnixTime) {
        let minute = minute(now);
        if let Some(line) = self.lines.iter_mut().rev().find(|line| line.tells_of(deed, minute)) {
            line.count += 1;
            line.last_at = line.last_at.max(now);
            return;
        }
        let elsewhere = |line: &&Line| line.tells_of(&Deed { ip: line.ip, ..*deed }, minute);
        if deed.ip.is_some() && self.lines.iter().filter(elsewhere).count() >= ADDRESSES {
            return self.note(&Deed { ip: None, ..*deed }, now);
        }
        let other_subject = |line: &&Line| {
            line.about.is_some()
                && line.tells_of(&Deed { ip: line.ip, about: line.about.as_deref(), ..*deed }, minute)
        };
        if deed.about.is_some() && self.lines.iter().filter(other_subject).count() >= SUBJECTS {
            return self.note(&Deed { about: None, ..*deed }, now);
        }
        if self.lines.len() < MOST_LINES {
            self.lines.push(Line::new(deed, now));
        } else {
            self.lost += 1;
        }
    }

    /// Whether a sending has to be started, and in how many milliseconds: `None` where there is nothing
    /// to send, or one is planned. Whoever is told a time sends then: [`Journal::take`], and
    /// [`Journal::sent`] with what did not arrive.
    pub fn plan(&mut self, now_ms: u64, hurry: Hurry) -> Option<u64> {
        let rested_at_ms = self.sent_at_ms.map_or(0, |at| at.saturating_add(PAUSE_MS));
        let wait_ms = match hurry {
            Hurry::Now => 0,
            Hurry::Soon => rested_at_ms.saturating_sub(now_ms).clamp(ASIDE_MS, PAUSE_MS),
            Hurry::Never => PAUSE_MS,
        };
        if self.lines.is_empty() || (hurry != Hurry::Now && self.is_planned(now_ms)) {
            return None;
        }
        self.planned_ms = Some(now_ms + wait_ms);
        Some(wait_ms)
    }

    /// Whether a sending is planned that is believed to come: what is noted now goes along with it.
    pub fn is_planned(&self, now_ms: u64) -> bool {
        let stands = |at_ms: u64| now_ms <= at_ms.saturating_add(LATE_MS) && at_ms <= now_ms + PAUSE_MS;
        self.planned_ms.is_some_and(stands)
    }

    /// Everything that is to be sent now.
    pub fn take(&mut self, now_ms: u64) -> Batch {
        self.sent_at_ms = Some(now_ms);
        self.planned_ms = None;
        Batch {
            lines: std::mem::take(&mut self.lines),
            reads: std::mem::take(&mut self.reads),
            lost: std::mem::take(&mut self.lost),
        }
    }

    /// Takes back what could not be sent.
    pub fn sent(&mut self, mut back: Vec<Line>, reads: Reads) {
        self.reads.add(reads);
        let room = MOST_LINES.saturating_sub(self.lines.len());
        for line in back.split_off(back.len().min(room)) {
            self.lost += line.count;
        }
        self.lines.splice(0..0, back);
    }
}

/// How soon a line has to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hurry {
    /// At once: it is rare and grave.
    Now,
    /// In a moment after a quiet time, else with the others.
    Soon,
    /// Always with the others, so that the time of an answer does not tell what was noted.
    Never,
}

#[cfg(test)]
mod tests {
    use super::super::{Action, Deed};
    use super::*;
    use crate::credential::{Credential, Version};
    use proptest::prelude::*;
    use std::net::IpAddr;

    const T0: UnixTime = UnixTime::from_secs(1_800_000_000);

    fn read(caller: &str, version: u64) -> Deed<'_> {
        let credential = Some(Credential::AccessToken);
        let deed = Deed::of_caller(Some(caller), Action::Read, credential, Ok("ok"), None);
        Deed { version: Some(Version::new(version)), ..deed }
    }

    fn from(n: u32) -> Option<IpAddr> {
        Some(IpAddr::from(n.to_be_bytes()))
    }

    #[test]
    fn what_is_alike_within_a_minute_is_one_line() {
        let mut journal = Journal::default();
        for second in 0..60 {
            journal.note(&read("web", 7), T0.plus(second));
        }
        journal.note(&read("web", 7), T0.plus(60));
        journal.note(&read("web", 8), T0.plus(60));
        journal.note(&read("job", 8), T0.plus(60));
        let Batch { lines, lost, .. } = journal.take(0);
        let told: Vec<_> =
            lines.iter().map(|line| (line.count, T0.until(line.first_at), T0.until(line.last_at))).collect();
        assert_eq!(told, [(60, 0, 59), (1, 60, 60), (1, 60, 60), (1, 60, 60)]);
        assert_eq!(lost, 0);
    }

    #[test]
    fn addresses_are_told_apart_up_to_a_bound() {
        let mut journal = Journal::default();
        for n in 0..100 {
            journal.note(&Deed { ip: from(n), ..read("web", 7) }, T0);
            journal.note(&Deed { ip: from(0), ..read("web", 7) }, T0);
        }
        let lines = journal.take(0).lines;
        let told: Vec<_> = lines.iter().map(|line| (line.ip, line.count)).collect();
        assert_eq!(told, [(from(0), 101), (from(1), 1), (from(2), 1), (from(3), 1), (None, 96)]);
    }

    #[test]
    fn subjects_are_told_apart_up_to_a_bound() {
        let mut journal = Journal::default();
        let paths: Vec<String> = (0..100).map(|n| format!("/cgi-bin/nope{n}")).collect();
        for path in &paths {
            journal.note(&Deed { about: Some(path), ..read("web", 7) }, T0);
        }
        let Batch { lines, lost, .. } = journal.take(0);
        assert_eq!((lines.len(), lost), (33, 0));
        assert_eq!(lines.last().map(|line| (line.about.clone(), line.count)), Some((None, 68)));
    }

    #[test]
    fn the_first_is_sent_in_a_moment_the_next_ones_together() {
        let mut journal = Journal::default();
        assert_eq!(journal.plan(1_000, Hurry::Soon), None, "nothing to send");
        journal.note(&read("web", 7), T0);
        assert_eq!(journal.plan(1_000, Hurry::Soon), Some(ASIDE_MS));
        assert_eq!(journal.plan(1_001, Hurry::Soon), None, "planned");
        assert_eq!(journal.take(1_005).lines.len(), 1);
        journal.sent(vec![], Reads::default());
        journal.note(&read("web", 7), T0);
        assert_eq!(journal.plan(6_005, Hurry::Soon), Some(20_000));
        journal.note(&read("web", 7), T0);
        assert_eq!(journal.plan(7_000, Hurry::Soon), None, "goes along");
        assert_eq!(journal.plan(7_000, Hurry::Now), Some(0), "what is urgent does not wait");
        assert_eq!(journal.take(7_000).lines[0].count, 2);
        assert_eq!(journal.take(26_005).lines.len(), 0, "the one that was planned finds nothing");
    }

    #[test]
    fn what_never_hurries_always_waits() {
        let mut journal = Journal::default();
        journal.note(&read("web", 7), T0);
        assert_eq!(journal.plan(1_000, Hurry::Never), Some(PAUSE_MS));
        assert_eq!(journal.plan(2_000, Hurry::Never), None);
    }

    #[test]
    fn what_is_noted_while_a_sending_is_under_way_is_planned() {
        let mut journal = Journal::default();
        journal.note(&read("web", 7), T0);
        assert_eq!(journal.plan(1_000, Hurry::Soon), Some(ASIDE_MS));
        let lines = journal.take(1_000).lines;
        journal.note(&read("web", 7), T0);
        assert_eq!(journal.plan(1_200, Hurry::Soon), Some(24_800));
        journal.sent(vec![], Reads::default());
        assert_eq!(journal.plan(1_500, Hurry::Soon), None, "the plan stands");
        assert_eq!((lines.len(), journal.take(26_000).lines.len()), (1, 1));
    }

    #[test]
    fn a_sending_that_never_comes_is_made_up_for() {
        let mut journal = Journal::default();
        journal.note(&read("web", 7), T0);
        assert_eq!(journal.plan(1_000, Hurry::Soon), Some(ASIDE_MS));
        assert_eq!(journal.plan(6_050, Hurry::Soon), None);
        assert_eq!(journal.plan(6_051, Hurry::Soon), Some(ASIDE_MS));
    }

    #[test]
    fn what_could_not_be_sent_comes_back_within_bounds() {
        let mut journal = Journal::default();
        for version in 0..600 {
            journal.note(&read("web", version), T0);
        }
        let Batch { lines, lost, .. } = journal.take(0);
        assert_eq!((lines.len(), lost), (500, 100));
        journal.note(&read("web", 700), T0);
        journal.note(&read("web", 700), T0);
        journal.sent(lines, Reads::default());
        assert_eq!(journal.plan(5_000, Hurry::Soon), Some(20_000), "not at once again");
        let Batch { lines, lost, .. } = journal.take(25_000);
        assert_eq!((lines.len(), lost), (500, 1));
        assert_eq!(lines[0].version, Some(Version::new(0)), "the oldest first");
        journal.note(&read("web", 701), T0);
        journal.sent(lines.iter().map(|line| Line { count: 3, ..line.clone() }).collect(), Reads::default());
        assert_eq!(journal.take(50_000).lost, 3, "deeds are counted, not lines");
    }

    #[test]
    fn a_clock_that_runs_backwards_does_not_hold_it_up() {
        let mut journal = Journal::default();
        journal.take(1_000_000);
        journal.note(&read("web", 7), T0);
        assert_eq!(journal.plan(1_000, Hurry::Soon), Some(PAUSE_MS));
        journal.planned_ms = Some(1_000_000);
        assert_eq!(journal.plan(2_000, Hurry::Soon), Some(PAUSE_MS));
    }

    proptest! {
        /// In whatever order it is asked: whenever there are lines, a sending is planned within the pause,
        /// and nothing is counted twice or not at all.
        #[test]
        fn nothing_waits_for_ever(steps in prop::collection::vec((0_u8..5, 0_u64..9_000), 1..200)) {
            let (mut journal, mut now, mut noted, mut told) = (Journal::default(), 1_000_000, 0, 0);
            let (mut timers, mut flying): (Vec<u64>, Vec<Line>) = (vec![], vec![]);
            for (step, pause) in steps {
                now += pause;
                if let Some(place) = timers.iter().position(|at| *at <= now) {
                    timers.swap_remove(place);
                    flying.extend(journal.take(now).lines);
                }
                match step {
                    0 | 1 => {
                        journal.note(&read("web", 7), UnixTime::from_millis(now));
                        noted += 1;
                        let hurry = [Hurry::Soon, Hurry::Never][usize::from(step)];
                        timers.extend(journal.plan(now, hurry).map(|wait| now + wait));
                    }
                    2 => {
                        told += flying.drain(..).map(|line| line.count).sum::<u64>();
                        journal.sent(vec![], Reads::default());
                    }
                    3 => {
                        journal.sent(std::mem::take(&mut flying), Reads::default());
                        timers.extend(journal.plan(now, Hurry::Soon).map(|wait| now + wait));
                    }
                    _ => {}
                }
                let soon = timers.iter().any(|at| *at <= now + PAUSE_MS);
                prop_assert!(journal.lines.is_empty() || soon, "lines, and no sending");
            }
            let kept: u64 = journal.lines.iter().chain(&flying).map(|line| line.count).sum();
            prop_assert_eq!(noted, told + kept + journal.lost);
        }
    }
}
