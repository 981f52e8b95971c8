//! What the outcome of a call changes.

use super::backoff::retry_at;
use super::ledger::Force;
use super::reply::{Class, Failure, Issued, Verdict};
use super::schedule::Life;
use super::slot::{Held, Trouble, UnderWay};
use super::{Alert, Call, CallId, Turn};
use crate::app::Identity;
use crate::time::UnixTime;

/// A passing trouble is worth a person's time after so many failures in a row.
const ALERT_AFTER: u32 = 5;

/// Plain API: after a lost reply the next attempt waits until shortly before the fuse has burnt
/// down, because one more rotation would kill the held token at once. By then every copy of it is
/// distrusted ([`super::schedule::TRUST_AFTER_PLAN_S`]), with half a minute for clocks that differ.
const BEFORE_FUSE_S: u64 = 30;

/// A token that the provider calls dead and gives out again: pause when no forced refresh is left.
const DEAD_AGAIN_S: u64 = 32;

impl Turn {
    /// The Keeper serves under this identity. What was fetched under another is not served on.
    pub(super) fn configured(&mut self, identity: Identity) {
        if self.slot.identity.is_some_and(|before| before != identity) {
            self.slot.held = None;
            self.slot.trouble = None;
            self.slot.under_way = None;
            self.slot.rotation_lost = false;
            self.slot.force_lost = false;
        }
        self.slot.identity = Some(identity);
    }

    /// The Keeper came back, and nobody waits for the call's outcome any more.
    pub(super) fn lost(&mut self) {
        let Some(call) = self.slot.under_way else { return };
        if call.call.fetches() {
            self.failed(call.id, Failure::Unreachable);
        } else {
            self.slot.under_way = None;
            self.slot.doubted = false;
        }
    }

    /// A value came. A new one is a rotation; the same one says how long it lives on.
    pub(super) fn issued(&mut self, call: CallId, issued: Issued) {
        let Some(UnderWay { call, sent_at, .. }) = self.end_call(call) else { return };
        let Issued { value, expires_in_s, refresh_token } = issued;
        // Whatever becomes of the value: the one before is used up.
        if refresh_token.is_some() {
            self.slot.refresh_token = refresh_token;
        }
        let same = self.slot.held.as_ref().filter(|held| held.value == value);
        if same.is_some_and(|held| held.condemned) {
            return self.dead_again(call);
        }
        let before = self.slot.held.as_ref().and_then(|held| held.life.last_seen());
        let life = match same {
            Some(held) => held.life.seen_again(sent_at, expires_in_s),
            None if self.policy.is_observed() => {
                Life::first_sight(sent_at, self.moment.now, before, expires_in_s)
            }
            None => Life::stated(&self.policy, sent_at, expires_in_s),
        };
        let plan = life.plan(&self.policy, sent_at, self.moment.dice);
        let (rotated, was_held) = (same.is_none(), self.slot.held.is_some());
        if rotated {
            self.slot.version = self.slot.version.next();
            self.slot.rotated_at = Some(self.moment.now);
            self.slot.cleared = 0;
            self.slot.check_at = None;
        }
        self.slot.held = Some(Held { value, life, plan, condemned: false });
        // What a lost call has done counts as well.
        let lost = self.slot.rotation_lost || self.slot.force_lost;
        let by_force = call == Call::ForcedRefresh || (lost && was_held);
        self.slot.rotation_lost = false;
        self.slot.force_lost = false;
        self.slot.last_success = Some(self.moment.now);
        if self.slot.trouble.take().is_some_and(|trouble| !trouble.announced.is_empty()) {
            self.effects.alerts.push(Alert::Recovered);
        }
        if rotated {
            self.slot.doubted = false;
        } else {
            self.probe_if_doubted();
        }
        if rotated && by_force {
            self.revoked_once();
        }
    }

    /// Ends a call.
    fn end_call(&mut self, id: CallId) -> Option<UnderWay> {
        let call = self.slot.end_call(id)?;
        if call.call == Call::ForcedRefresh {
            self.slot.ledger.force_ended(self.moment.now);
        }
        Some(call)
    }

    /// The stable API gave out again what it called dead: only a forced refresh replaces it.
    fn dead_again(&mut self, call: Call) {
        if call == Call::Refresh
            && self.slot.ledger.force_from(&self.policy.limits, Force::Heal) <= self.moment.now
        {
            self.start(Call::ForcedRefresh);
        } else {
            self.note_failure(Failure::DeadAgain, None, Some(self.moment.now.plus(DEAD_AGAIN_S)));
        }
    }

    /// No value came. What is held stays; when to try again depends on why.
    pub(super) fn failed(&mut self, call: CallId, failure: Failure) {
        let Some(UnderWay { call, sent_at, .. }) = self.end_call(call) else { return };
        self.slot.doubted = false;
        if !call.fetches() {
            return;
        }
        if failure == Failure::NoToken {
            self.slot.ledger.give_back_refresh();
        }
        let replaces = self.policy.replaces();
        if call == Call::ForcedRefresh && !replaces && self.policy.class(&failure) == Class::Day {
            // It is the forced refreshes that are used up; the normal mode goes on.
            self.slot.ledger.no_more_forced(&self.policy.limits, self.moment.now);
            if self.slot.left_s(self.moment.now) == 0 {
                self.note_failure(Failure::DeadAgain, None, Some(self.moment.now.plus(DEAD_AGAIN_S)));
            }
            return;
        }
        let lives = self.slot.left_s(self.moment.now) > 0;
        if call == Call::ForcedRefresh && lives && !failure.may_have_rotated() {
            return self.revoke_refused(failure);
        }
        if call == Call::ForcedRefresh && !replaces && failure.may_have_rotated() {
            self.slot.lose_force(self.policy.overlap_s(), sent_at);
        }
        let mut not_before = None;
        if replaces && failure.may_have_rotated() {
            self.slot.light_fuse(self.policy.overlap_s(), sent_at);
            if self.slot.live(self.moment.now).is_some() {
                not_before = Some(sent_at.plus(self.policy.overlap_s().saturating_sub(BEFORE_FUSE_S)));
            }
        }
        self.note_failure(failure, Some(sent_at), not_before);
    }

    fn note_failure(&mut self, failure: Failure, sent_at: Option<UnixTime>, not_before: Option<UnixTime>) {
        let now = self.moment.now;
        let class = self.policy.class(&failure);
        let (count, since, mut announced) = match self.slot.trouble.take() {
            Some(before) => (before.count + 1, before.since, before.announced),
            None => (1, now, Vec::new()),
        };
        let planned = retry_at(
            self.policy.limits.day_offset_s,
            class,
            count,
            now,
            self.slot.left_s(now),
            self.moment.dice,
        );
        let retry_at = not_before.map_or(planned, |at| at.max(planned));
        let tried_at = Some(sent_at.unwrap_or(now));
        let for_people = class.is_for_people() || count >= ALERT_AFTER;
        // Another code is news, but each only once in an incident, also when two take turns.
        let news = failure.news();
        if for_people && !announced.contains(&news) {
            announced.push(news);
            self.effects.alerts.push(Alert::Failing(failure.clone()));
        }
        self.slot.trouble = Some(Trouble { failure, count, since, retry_at, tried_at, announced });
        if not_before.is_none() && self.slot.is_missed(now) {
            self.hurry();
        }
    }

    /// A refresh is wanted and the day's are used up by our own count: that is said once. Whatever kept
    /// it from working before goes on being shown, if a person has to mend it.
    pub(super) fn note_full_ledger(&mut self) {
        let now = self.moment.now;
        let passing = self.slot.trouble.as_ref().is_none_or(|trouble| {
            trouble.failure != Failure::LedgerFull && self.policy.class(&trouble.failure) == Class::Soon
        });
        if passing {
            self.note_failure(Failure::LedgerFull, None, None);
            if let Some(trouble) = &mut self.slot.trouble {
                // The ledger itself says when.
                trouble.retry_at = now;
            }
        }
    }

    /// The probe has ended. Only the provider's own word condemns a token.
    pub(super) fn probed(&mut self, call: CallId, verdict: Verdict) {
        let ended = self.end_call(call).map(|ended| ended.call);
        let was_doubted = std::mem::take(&mut self.slot.doubted) && ended == Some(Call::Probe);
        match (ended, verdict) {
            (Some(Call::Probe | Call::Knock), Verdict::Dead) => self.condemn(was_doubted),
            // Reports do not pay for what looks like a dead token.
            (Some(Call::Probe), _) if was_doubted => {}
            (Some(Call::Probe), _) => self.slot.cleared += 1,
            (Some(Call::Knock), Verdict::Alive | Verdict::Unclear) => self.rotate(),
            (Some(Call::Knock), Verdict::Unanswered) if self.moment.now < self.slot.wanted_at() => {
                self.revoke_refused(Failure::Unreachable);
            }
            (Some(Call::Knock), Verdict::Unanswered) => self.note_failure(Failure::Unreachable, None, None),
            _ => {}
        }
    }

    /// The provider answers: now the call that rotates.
    fn rotate(&mut self) {
        let revoking = self.slot.revoke_from(&self.policy).is_some_and(|at| at <= self.moment.now);
        self.start(if revoking { Call::ForcedRefresh } else { Call::Refresh });
    }

    /// The provider calls the held token dead.
    fn condemn(&mut self, was_doubted: bool) {
        self.found_dead();
        if let Some(held) = &mut self.slot.held {
            held.condemned = true;
        }
        // A pause after a passing trouble protected the value, or spared a call; neither counts any more.
        let policy = self.policy;
        if let Some(trouble) = &mut self.slot.trouble
            && policy.class(&trouble.failure) == Class::Soon
        {
            trouble.retry_at = self.moment.now;
        }
        if !self.force_if_doubted(was_doubted) {
            self.refresh_if_due();
        }
    }
}
