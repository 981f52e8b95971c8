//! A check by hand: every credential is asked for now, where that is safe, and the answer tells what came of it.

use super::QuestionId;
use super::machine::Machine;
use super::questions::Waiting;
use crate::credential::{Credential, Version};
use crate::engine::Event;
use crate::protocol::{Asked, Reply};
use std::collections::{BTreeMap, VecDeque};

/// A check answers after this, whatever is still under way, in milliseconds.
const TAKES_MS: u64 = 20_000;

/// A check that is going on.
pub(super) struct Check {
    /// What is asked for together, one after the other.
    rounds: VecDeque<Vec<Credential>>,
    /// What was asked for last.
    round: Vec<Credential>,
    asked: BTreeMap<Credential, Asked>,
    before: Vec<(Credential, Version)>,
    deadline_ms: u64,
}

impl Check {
    pub(super) const fn deadline_ms(&self) -> u64 {
        self.deadline_ms
    }
}

impl Machine {
    /// Begins a check of one credential, or of all.
    pub(super) fn check(&mut self, id: QuestionId, only: Option<Credential>) {
        let wanted = self.credentials().into_iter().filter(|one| only.is_none_or(|only| only == *one));
        let wanted: Vec<Credential> = wanted.collect();
        let before = wanted.iter().map(|credential| (*credential, self.version(*credential))).collect();
        // The token comes first: tickets are asked for with it.
        let (token, tickets): (Vec<_>, Vec<_>) =
            wanted.into_iter().partition(|credential| *credential == Credential::AccessToken);
        // Twice: an attempt that had no token yet may have been under way.
        let rounds = VecDeque::from([token, tickets.clone(), tickets]);
        let deadline_ms = self.at.now_ms + TAKES_MS;
        let check = Check { rounds, round: Vec::new(), asked: BTreeMap::new(), before, deadline_ms };
        self.waiting.insert(id, Waiting::Check(check));
    }

    /// Whether what was asked for last has ended, or takes too long: it goes on by itself.
    pub(super) fn is_over(&self, check: &Check) -> bool {
        self.at.now_ms >= check.deadline_ms || !check.round.iter().any(|one| self.calls.contains_key(one))
    }

    pub(super) fn go_on_with_check(&mut self, id: QuestionId, mut check: Check) {
        let Some(round) = check.rounds.pop_front() else { return self.end_check(id, check) };
        for credential in &round {
            if check.asked.contains_key(credential) && self.slot(*credential).failures() == 0 {
                continue;
            }
            self.give_up_lost_call(*credential);
            let call = self.step(*credential, Event::Demand).call;
            let asked = check.asked.entry(*credential).or_insert(Asked { call: None, rotated: false });
            asked.call = asked.call.or(call);
        }
        check.round = round;
        self.waiting.insert(id, Waiting::Check(check));
    }

    fn end_check(&mut self, id: QuestionId, mut check: Check) {
        for (credential, before) in &check.before {
            let version = self.version(*credential);
            if let Some(asked) = check.asked.get_mut(credential) {
                asked.rotated = version > *before;
            }
        }
        self.reply(id, Reply::Checked { asked: check.asked, report: self.report() });
    }
}
