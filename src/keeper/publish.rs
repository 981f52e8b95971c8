//! Publishing: the store follows the slots. The truth is committed before anything is written here.

use super::desk::Desk;
use crate::{log, platform, store};
use futures_util::future::{Either, select};
use serde_json::json;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;
use worker::Delay;
use zhongkong_core::credential::Credential;
use zhongkong_core::engine::{Event, Rules, Slot, Stored};

/// A store that takes longer has not taken it, and is tried again.
const STORE_TAKES: Duration = Duration::from_secs(10);

impl Desk {
    /// Brings the store in line with the slot, one write after the other: no older version can
    /// overtake a newer one.
    pub(super) async fn publish(self: Rc<Self>, credential: Credential) {
        while let Ok(slot) = self.slot(credential) {
            if slot.is_stored() {
                break;
            }
            let write = pin!(self.write(credential, &slot));
            let outcome = match select(write, pin!(Delay::from(STORE_TAKES))).await {
                Either::Left((outcome, _)) => outcome,
                Either::Right(_) => Err(store::NotSaved),
            };
            let failed = outcome.is_err();
            if failed {
                log::error(
                    "publish_failed",
                    json!({"app": self.ready().ok().map(|r| r.app.name.clone()), "credential": credential}),
                );
            }
            let event = outcome.map_or(Event::PublishFailed, Event::Published);
            if self.step(credential, event).is_err() || failed {
                break;
            }
        }
        self.publishing.borrow_mut().remove(&credential);
        if let Err(error) = self.set_alarm().await {
            log::error("alarm_not_set", json!({"detail": error.to_string()}));
        }
    }

    async fn write(&self, credential: Credential, slot: &Slot) -> Result<Option<Stored>, store::NotSaved> {
        let ready = self.ready().map_err(|_| store::NotSaved)?;
        let app = &ready.app;
        let Some(record) = slot.record(Rules::of(app, credential)) else {
            return store::withdraw(&self.env, &app.name, credential).await.map(|()| None);
        };
        let centre = self.centre().map_err(|_| store::NotSaved)?;
        let sealer = centre.config.sealer.as_ref().ok_or(store::NotSaved)?;
        let sealed =
            record.seal(sealer, &app.name, credential, platform::random()).map_err(|_| store::NotSaved)?;
        store::save(&self.env, &app.name, credential, &sealed, record.expires_at, platform::now()).await?;
        Ok(Some(Stored { version: record.version, expires_at: record.expires_at, at: platform::now() }))
    }
}
