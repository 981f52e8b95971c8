//! What a person or a monitor may see of a slot: no value in it.

use super::ledger::Calls;
use super::outsider::Outsider;
use super::policy::RotationPolicy;
use super::revoke::Revoke;
use super::slot::{Slot, Trouble};
use crate::credential::Version;
use crate::time::UnixTime;
use serde::{Deserialize, Serialize};

/// One credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// `ok`, `retrying` (served, but the last refresh failed), `down` (nothing to serve) or `empty`
    /// (never asked for yet).
    pub state: String,
    /// Of the newest value.
    pub version: u64,
    /// Seconds of life left; 0 when nothing is held.
    pub expires_in: u64,
    /// End of life.
    pub expires_at: Option<UnixTime>,
    /// When the next refresh or retry is planned.
    pub next_refresh_at: Option<UnixTime>,
    /// When the newest value came.
    #[serde(default)]
    pub rotated_at: Option<UnixTime>,
    /// When the provider last answered with a value.
    pub last_success_at: Option<UnixTime>,
    /// Tickets: whether the value's age is known.
    pub age_known: bool,
    /// The newest failure, while it lasts.
    pub trouble: Option<Trouble>,
    /// Calls to the provider today.
    pub calls: Calls,
    /// Somebody else has killed tokens of this app lately.
    pub outsider: Option<Outsider>,
    /// The newest revocation, going on or done.
    pub revoke: Option<Revoke>,
    /// When a revocation that is going on takes its next step.
    pub revoke_next_at: Option<UnixTime>,
}

impl Slot {
    /// What may be shown of it.
    pub fn status(&self, policy: &RotationPolicy, now: UnixTime) -> Status {
        let live = self.live(now);
        let state = match (live, &self.trouble) {
            (None, None) if self.version == Version::NONE => "empty",
            (None, _) => "down",
            (Some(_), Some(_)) => "retrying",
            (Some(_), None) => "ok",
        };
        Status {
            state: state.to_owned(),
            version: self.version.number(),
            expires_in: self.left_s(now),
            expires_at: live.map(|held| held.plan.expires_at),
            next_refresh_at: Some(self.due_at(policy)).filter(|at| at.as_secs() > 0),
            rotated_at: self.rotated_at,
            last_success_at: self.last_success,
            age_known: live.is_none_or(|held| held.life.age_known()),
            trouble: self.trouble.clone(),
            calls: self.ledger.calls(&policy.limits, now),
            outsider: self.outsider_at(now),
            revoke: self.revoke.clone(),
            revoke_next_at: self.revoke_next_at(policy, now),
        }
    }
}
