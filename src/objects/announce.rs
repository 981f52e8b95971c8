//! What a Keeper does, as log lines: one each time, with what to do.

use super::notices::log_arrival;
use crate::log;
use serde_json::json;
use zhongkong_core::config::ReadyApp;
use zhongkong_core::credential::Credential;
use zhongkong_core::engine::{Alert, Failure};
use zhongkong_core::keeper::Announcement;
use zhongkong_core::language::Language;
use zhongkong_core::providers::Provider as _;

pub(super) fn announce(ready: &ReadyApp, what: &Announcement) {
    let app = &ready.app.name;
    match what {
        Announcement::Rotated(credential, version) => {
            log::info("rotated", json!({"app": app, "credential": credential, "version": version}));
        }
        Announcement::Called(credential, call, failure) => {
            let errcode = failure.as_ref().map_or(Some(0), Failure::code);
            log::info(
                "asked_wechat",
                json!({"app": app, "credential": credential, "call": call, "errcode": errcode}),
            );
        }
        Announcement::Alert(credential, alert) => tell(ready, *credential, alert),
        Announcement::StoreAhead(credential, version) => {
            log::info("store_ahead", json!({"app": app, "credential": credential, "version": version}));
        }
        Announcement::Notice(notice, arrival) => log_arrival(Some(app), notice, *arrival),
    }
}

fn tell(ready: &ReadyApp, credential: Credential, alert: &Alert) {
    let app = &ready.app.name;
    match alert {
        Alert::Failing(failure) => {
            let detail = ready.app.advice(credential, failure, Language::En);
            log::error(
                "refresh_failing",
                json!({"app": app, "credential": credential, "errcode": failure.code(), "detail": detail}),
            );
        }
        Alert::Recovered => log::info("refresh_recovered", json!({"app": app, "credential": credential})),
        Alert::KilledOutside => {
            let detail = ready.app.killed_outside(credential, Language::En);
            log::error("killed_outside", json!({"app": app, "credential": credential, "detail": detail}));
        }
        Alert::Revoking => {
            let detail = ready.app.revoking(Language::En);
            log::error("revoking", json!({"app": app, "credential": credential, "detail": detail}));
        }
        Alert::Revoked => log::info("revoked", json!({"app": app, "credential": credential})),
    }
}
