//! What the outcome of a call changes.

use super::backoff::retry_at;
use super::ledger::Force;
use super::schedule::{FUSE_S, Life, Rules};
use super::slot::{Held, Trouble, UnderWay};
use super::{Alert, Call, CallId, Turn};
use crate::app::Identity;
use crate::time::UnixTime;
use crate::wechat::errcode::Endpoint;
use crate::wechat::{Class, Failure, Issued, Verdict};

/// A passing trouble is worth a person's time after so many failures in a row.
const ALERT_AFTER: u32 = 5;

/// Plain API: after a lost reply the next attempt waits until shortly before the fuse has burnt
/// down, because one more rotation would kill the held token at once. By then every copy of it is
/// distrusted ([`super::schedule::TRUST_AFTER_PLAN_S`]), with half a minute for clocks that differ.
const BEFORE_FUSE_S: u64 = 30;

/// A token that WeChat calls dead and gives out again: pause when no forced refresh is left.
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
        }
    }

    /// A value came. A new one is a rotation; the same one says how long it lives on.
    pub(super) fn issued(&mut self, call: CallId, issued: Issued) {
        let Some(UnderWay { call, sent_at, .. }) = self.end_call(call) else { return };
        let Issued { value, expires_in_s } = issued;
        let same = self.slot.held.as_ref().filter(|held| held.value == value);
        if same.is_some_and(|held| held.condemned) {
            return self.dead_again(call);
        }
        let before = self.slot.held.as_ref().and_then(|held| held.life.last_seen());
        let life = match (same, self.rules) {
            (Some(held), _) => held.life.seen_again(sent_at, expires_in_s),
            (None, Rules::Ticket) => Life::first_sight(sent_at, self.moment.now, before, expires_in_s),
            (None, Rules::Stable | Rules::Plain { .. }) => Life::stated(sent_at, expires_in_s),
        };
        let plan = life.plan(self.rules, sent_at, self.moment.dice);
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
        if call == Call::Refresh && self.slot.ledger.force_from(Force::Heal) <= self.moment.now {
            self.start(Call::ForcedRefresh);
        } else {
            self.note_failure(Failure::DeadAgain, Some(self.moment.now.plus(DEAD_AGAIN_S)));
        }
    }

    /// No value came. What is held stays; when to try again depends on why.
    pub(super) fn failed(&mut self, call: CallId, failure: Failure) {
        let Some(UnderWay { call, sent_at, .. }) = self.end_call(call) else { return };
        if !call.fetches() {
            return;
        }
        if failure == Failure::NoToken {
            self.slot.ledger.give_back_refresh();
        }
        let plain = matches!(self.rules, Rules::Plain { .. });
        if call == Call::ForcedRefresh && !plain && failure.class(self.endpoint()) == Class::Day {
            // It is the forced refreshes that are used up; the normal mode goes on.
            self.slot.ledger.no_more_forced(self.moment.now);
            if self.slot.left_s(self.moment.now) == 0 {
                self.note_failure(Failure::DeadAgain, Some(self.moment.now.plus(DEAD_AGAIN_S)));
            }
            return;
        }
        let lives = self.slot.left_s(self.moment.now) > 0;
        if call == Call::ForcedRefresh && lives && !failure.may_have_rotated() {
            return self.revoke_refused(failure);
        }
        if call == Call::ForcedRefresh && !plain && failure.may_have_rotated() {
            self.slot.lose_force(sent_at);
        }
        let mut not_before = None;
        if plain && failure.may_have_rotated() {
            self.slot.light_fuse(sent_at);
            if self.slot.live(self.moment.now).is_some() {
                not_before = Some(sent_at.plus(FUSE_S - BEFORE_FUSE_S));
            }
        }
        self.note_failure(failure, not_before);
    }

    fn note_failure(&mut self, failure: Failure, not_before: Option<UnixTime>) {
        let now = self.moment.now;
        let class = failure.class(self.endpoint());
        let (count, since, mut announced) = match self.slot.trouble.take() {
            Some(before) => (before.count + 1, before.since, before.announced),
            None => (1, now, Vec::new()),
        };
        let planned = retry_at(class, count, now, self.slot.left_s(now), self.moment.dice);
        let retry_at = not_before.map_or(planned, |at| at.max(planned));
        let for_people = class.is_for_people() || count >= ALERT_AFTER;
        // Another errcode is news, but each only once in an incident, also when two take turns.
        let news = failure.news();
        if for_people && !announced.contains(&news) {
            announced.push(news);
            self.effects.alerts.push(Alert::Failing(failure.clone()));
        }
        self.slot.trouble = Some(Trouble { failure, count, since, retry_at, announced });
    }

    /// A refresh is wanted and the day's are used up by our own count: that is said once. Whatever kept
    /// it from working before goes on being shown, if a person has to mend it.
    pub(super) fn note_full_ledger(&mut self) {
        let now = self.moment.now;
        let passing = self.slot.trouble.as_ref().is_none_or(|trouble| {
            trouble.failure != Failure::LedgerFull && trouble.failure.class(self.endpoint()) == Class::Soon
        });
        if passing {
            self.note_failure(Failure::LedgerFull, None);
            if let Some(trouble) = &mut self.slot.trouble {
                // The ledger itself says when.
                trouble.retry_at = now;
            }
        }
    }

    /// The probe has ended. Only WeChat's own word condemns a token.
    pub(super) fn probed(&mut self, call: CallId, verdict: Verdict) {
        match (self.end_call(call).map(|ended| ended.call), verdict) {
            (Some(Call::Probe | Call::Knock), Verdict::Dead) => self.condemn(),
            (Some(Call::Probe), _) => self.slot.cleared += 1,
            (Some(Call::Knock), Verdict::Alive | Verdict::Unclear) => self.rotate(),
            (Some(Call::Knock), Verdict::Unanswered) if self.moment.now < self.slot.wanted_at() => {
                self.revoke_refused(Failure::Unreachable);
            }
            (Some(Call::Knock), Verdict::Unanswered) => self.note_failure(Failure::Unreachable, None),
            _ => {}
        }
    }

    /// WeChat answers: now the call that rotates.
    fn rotate(&mut self) {
        let revoking = self.slot.revoke_from().is_some_and(|at| at <= self.moment.now);
        self.start(if revoking { Call::ForcedRefresh } else { Call::Refresh });
    }

    /// WeChat calls the held token dead.
    fn condemn(&mut self) {
        self.found_dead();
        if let Some(held) = &mut self.slot.held {
            held.condemned = true;
        }
        // A pause after a passing trouble protected the value, or spared a call; neither counts any more.
        let endpoint = self.endpoint();
        if let Some(trouble) = &mut self.slot.trouble
            && trouble.failure.class(endpoint) == Class::Soon
        {
            trouble.retry_at = self.moment.now;
        }
        self.refresh_if_due();
    }

    pub(super) const fn endpoint(&self) -> Endpoint {
        match self.rules {
            Rules::Ticket => Endpoint::WithToken,
            Rules::Stable | Rules::Plain { .. } => Endpoint::Token,
        }
    }
}
