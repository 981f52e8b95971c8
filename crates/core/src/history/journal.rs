//! The lines that gather in an isolate before they are sent to the Keeper.
//!
//! The first line after a quiet time is sent at once, the next ones together [`PAUSE_MS`] later: a read
//! costs no I/O, and a lone one leaves its trace within a moment.

use super::{Deed, Line, minute};
use crate::time::UnixTime;

/// Between two sendings, in milliseconds. A Worker may work on for 30 s after an answer.
const PAUSE_MS: u64 = 25_000;

/// A sending that takes longer than this after its time is not believed to come any more.
const SENDING_TAKES_MS: u64 = 10_000;

/// So many addresses of one caller are told apart in a minute; the others share a line without one.
const ADDRESSES: usize = 4;

/// While the Keeper cannot be reached, lines gather up to so many; what comes after is only counted.
const MOST_LINES: usize = 500;

/// What has happened in this isolate and is not yet with the Keeper.
#[derive(Debug, Default)]
pub struct Journal {
    lines: Vec<Line>,
    lost: u64,
    sent_at_ms: Option<u64>,
    /// A sending is under way, or planned; not believed after this.
    sending_until_ms: u64,
}

impl Journal {
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
        if self.lines.len() < MOST_LINES {
            self.lines.push(Line::new(deed, now));
        } else {
            self.lost += 1;
        }
    }

    /// Whether a sending has to be started, and in how many milliseconds: `None` where nothing is to be
    /// sent, or one is on its way. Whoever is told a time sends then, with [`Journal::take`].
    pub fn plan(&mut self, now_ms: u64, urgent: bool) -> Option<u64> {
        if self.lines.is_empty() || (!urgent && now_ms < self.sending_until_ms) {
            return None;
        }
        let rested_at_ms = self.sent_at_ms.map_or(0, |at| at.saturating_add(PAUSE_MS));
        let wait_ms = if urgent { 0 } else { rested_at_ms.saturating_sub(now_ms).min(PAUSE_MS) };
        self.sending_until_ms = now_ms + wait_ms + SENDING_TAKES_MS;
        Some(wait_ms)
    }

    /// Everything that is to be sent now, and how many deeds had no room.
    pub fn take(&mut self, now_ms: u64) -> (Vec<Line>, u64) {
        self.sent_at_ms = Some(now_ms);
        (std::mem::take(&mut self.lines), std::mem::take(&mut self.lost))
    }

    /// The sending has ended; `back` is what could not be sent, for the next one.
    pub fn sent(&mut self, back: Vec<Line>) {
        self.sending_until_ms = 0;
        let room = MOST_LINES.saturating_sub(self.lines.len());
        let back_len = back.len();
        self.lines.splice(0..0, back.into_iter().take(room));
        self.lost += u64::try_from(back_len.saturating_sub(room)).unwrap_or(0);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Action, Deed};
    use super::*;
    use crate::credential::{Credential, Version};
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
        let (lines, lost) = journal.take(0);
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
        let (lines, _) = journal.take(0);
        let told: Vec<_> = lines.iter().map(|line| (line.ip, line.count)).collect();
        assert_eq!(told, [(from(0), 101), (from(1), 1), (from(2), 1), (from(3), 1), (None, 96)]);
    }

    #[test]
    fn the_first_is_sent_at_once_the_next_ones_together() {
        let mut journal = Journal::default();
        assert_eq!(journal.plan(1_000, false), None, "nothing to send");
        journal.note(&read("web", 7), T0);
        assert_eq!(journal.plan(1_000, false), Some(0));
        assert_eq!(journal.plan(1_001, false), None, "on its way");
        assert_eq!(journal.take(1_005).0.len(), 1);
        journal.sent(vec![]);
        journal.note(&read("web", 7), T0);
        assert_eq!(journal.plan(6_005, false), Some(20_000));
        journal.note(&read("web", 7), T0);
        assert_eq!(journal.plan(7_000, false), None, "goes along");
        assert_eq!(journal.plan(7_000, true), Some(0), "what is urgent does not wait");
        assert_eq!(journal.take(7_000).0[0].count, 2);
    }

    #[test]
    fn a_sending_that_never_comes_is_made_up_for() {
        let mut journal = Journal::default();
        journal.note(&read("web", 7), T0);
        assert_eq!(journal.plan(1_000, false), Some(0));
        assert_eq!(journal.plan(10_999, false), None);
        assert_eq!(journal.plan(11_000, false), Some(0));
    }

    #[test]
    fn what_could_not_be_sent_comes_back_within_bounds() {
        let mut journal = Journal::default();
        for version in 0..600 {
            journal.note(&read("web", version), T0);
        }
        let (lines, lost) = journal.take(0);
        assert_eq!((lines.len(), lost), (500, 100));
        journal.note(&read("web", 700), T0);
        journal.sent(lines);
        assert_eq!(journal.plan(5_000, false), Some(20_000), "not at once again");
        let (lines, lost) = journal.take(25_000);
        assert_eq!((lines.len(), lost), (500, 1));
        assert_eq!(lines[0].version, Some(Version::new(0)), "the oldest first");
    }

    #[test]
    fn a_clock_that_runs_backwards_does_not_hold_it_up() {
        let mut journal = Journal::default();
        journal.take(1_000_000);
        journal.note(&read("web", 7), T0);
        assert_eq!(journal.plan(1_000, false), Some(PAUSE_MS));
    }
}
