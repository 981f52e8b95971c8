//! Publishing: the store follows the slots. The truth is committed before anything is written here.

use super::desk::Desk;
use crate::{log, platform, store};
use serde_json::json;
use std::rc::Rc;
use zhongkong_core::credential::Credential;
use zhongkong_core::engine::{Event, Rules, Slot, Stored};
use zhongkong_core::record::Published;
use zhongkong_core::store::StoreFailure;

impl Desk {
    /// Brings the store in line with the slot, one write after the other: no older version can
    /// overtake a newer one.
    pub(super) async fn publish(self: Rc<Self>, credential: Credential) {
        while let Ok(slot) = self.slot(credential) {
            if slot.is_stored() {
                break;
            }
            let outcome = self.write(credential, &slot).await;
            if let Err(failure) = &outcome {
                log::warn(
                    "publish_failed",
                    json!({"app": self.ready().ok().map(|ready| ready.app.name.clone()), "credential": credential, "detail": failure.to_string()}),
                );
            }
            let failed = outcome.is_err();
            if self.step(credential, outcome.unwrap_or(Event::PublishFailed)).is_err() || failed {
                break;
            }
        }
        self.publishing.borrow_mut().retain(|other| *other != credential);
        if let Err(error) = self.set_alarm().await {
            log::warn("alarm_not_set", json!({"detail": error.to_string()}));
        }
    }

    /// Writes what the slot says; the event says what became of it.
    async fn write(&self, credential: Credential, slot: &Slot) -> Result<Event, StoreFailure> {
        let not_open = |_| StoreFailure("the Keeper is not open".to_owned());
        let (ready, centre) = (self.ready().map_err(not_open)?, self.centre().map_err(not_open)?);
        let now = platform::now();
        let published = slot.to_publish(Rules::of(&ready.app, credential), now);
        if let Some(newer) = store::save(&self.env, &centre, &ready.app.name, credential, &published).await? {
            log::info(
                "store_ahead",
                json!({"app": ready.app.name, "credential": credential, "version": newer}),
            );
            return Ok(Event::StoreAhead(newer));
        }
        Ok(Event::Published(match published {
            Published::Record(record) => {
                Some(Stored { version: record.version, expires_at: record.expires_at, at: now })
            }
            Published::Withdrawn { .. } => None,
        }))
    }
}
