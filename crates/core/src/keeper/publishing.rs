//! Publishing: the store follows the slots, one write of a credential after the other.

use super::effect::Announcement;
use super::machine::Machine;
use crate::credential::{Credential, Version};
use crate::engine::{Event, Stored};
use crate::record::Published;

impl Machine {
    /// Writes what the slot says to the store, unless a write is under way.
    pub(super) fn publish(&mut self, credential: Credential) {
        if self.publishing.contains_key(&credential) {
            return;
        }
        let now = self.now();
        let published = self.slot(credential).to_publish(&self.policy(credential), now);
        let stored = match &published {
            Published::Record(record) => {
                Some(Stored { version: record.version, expires_at: record.expires_at, at: now })
            }
            Published::Withdrawn { .. } => None,
        };
        self.publishing.insert(credential, stored);
        self.effects.publishes.push((credential, published));
    }

    /// The store has taken the write, has not, or holds a newer version.
    pub(super) fn published(&mut self, credential: Credential, outcome: Outcome) {
        // Still noted as under way: the decision about this one starts no second write.
        let Some(stored) = self.publishing.get(&credential).copied() else { return };
        match outcome {
            Outcome::Taken => self.step(credential, Event::Published(stored)),
            Outcome::Failed => self.step(credential, Event::PublishFailed),
            Outcome::Ahead(version) => {
                self.effects.log.push(Announcement::StoreAhead(credential, version));
                self.step(credential, Event::StoreAhead(version))
            }
        };
        self.publishing.remove(&credential);
        if self.slot(credential).is_to_be_published(self.now()) {
            self.publish(credential);
        }
    }
}

/// What became of a write to the store.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outcome {
    Taken,
    Failed,
    Ahead(Version),
}
