//! What a person should hear of the engine, as log lines: one each time, with what to do.

use crate::log;
use serde_json::json;
use zhongkong_core::app::AppName;
use zhongkong_core::credential::Credential;
use zhongkong_core::engine::{Alert, Outsider, Revoke, Rules};
use zhongkong_core::language::Language;
use zhongkong_core::wechat::errcode::Endpoint;

pub(super) fn announce(app: &AppName, credential: Credential, rules: Rules, alert: &Alert) {
    match alert {
        Alert::Failing(failure) => {
            let detail = failure.advice(Endpoint::of(credential), Language::En);
            log::error(
                "refresh_failing",
                json!({"app": app, "credential": credential, "errcode": failure.errcode(), "detail": detail}),
            );
        }
        Alert::Recovered => log::info("refresh_recovered", json!({"app": app, "credential": credential})),
        Alert::KilledOutside => {
            let detail = Outsider::advice(rules, Language::En);
            log::error("killed_outside", json!({"app": app, "credential": credential, "detail": detail}));
        }
        Alert::Revoking => {
            let detail = Revoke::advice(Language::En);
            log::error("revoking", json!({"app": app, "credential": credential, "detail": detail}));
        }
        Alert::Revoked => log::info("revoked", json!({"app": app, "credential": credential})),
    }
}
