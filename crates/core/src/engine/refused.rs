//! The provider's own word: it has refused the held value as dead, in a call that was made with it.
//!
//! It skips every pause that reports have earned, but nothing is replaced on that word alone: a caller can have a provider
//! serve a file that says the same. Where asking again is harmless, that is done at once: another value heals it. When the
//! same one comes back a probe decides, and only then it is replaced by force. Where asking replaces, the probe comes first.

use super::ledger::{Force, Purpose};
use super::policy::Check;
use super::{Answer, Call, Patience, Turn};
use crate::digest::Sha256Digest;

impl Turn {
    /// The provider has refused the value with this digest.
    pub(super) fn refused(&mut self, digest: Sha256Digest, patience: Patience) {
        let names_held =
            self.slot.held.as_ref().is_some_and(|held| !held.condemned && held.value.digest() == digest);
        if !names_held {
            return self.read(0, patience);
        }
        if self.slot.under_way.is_none()
            && let Some(call) = self.call_that_tells()
        {
            self.start(call);
            self.slot.doubted = true;
        }
        if self.slot.under_way.is_some() && patience == Patience::Left {
            self.effects.answer = Some(Answer::Wait);
        } else {
            self.serve_or_refuse();
        }
    }

    /// The call that tells whether the held value lives; `None` with none left for today.
    fn call_that_tells(&self) -> Option<Call> {
        let (now, limits) = (self.moment.now, &self.policy.limits);
        let asks =
            !self.policy.replaces() && self.slot.ledger.refresh_from(limits, Purpose::Unplanned) <= now;
        let probes = self.policy.check == Check::Probe && self.slot.ledger.probe_from(limits) <= now;
        if asks { Some(Call::Refresh) } else { probes.then_some(Call::Probe) }
    }

    /// The same value came back, to a call that was made because the provider had refused it: a probe decides.
    pub(super) fn probe_if_doubted(&mut self) {
        let may_probe = self.policy.check == Check::Probe
            && self.slot.ledger.probe_from(&self.policy.limits) <= self.moment.now;
        if self.slot.doubted && may_probe {
            self.start(Call::Probe);
        } else {
            self.slot.doubted = false;
        }
    }

    /// The provider gives out the value, and calls it dead twice: only force replaces it.
    pub(super) fn force_if_doubted(&mut self, was_doubted: bool) -> bool {
        let may_force = self.slot.ledger.force_from(&self.policy.limits, Force::Heal) <= self.moment.now;
        let forces = was_doubted && !self.policy.replaces() && may_force;
        if forces {
            self.start(Call::ForcedRefresh);
        }
        forces
    }
}
