//! What may happen to an isolate, at random.

use super::key;
use crate::credential::{Credential, TicketType};
use proptest::prelude::*;

/// Something that happens to an isolate.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Put {
        app: &'static str,
        credential: Credential,
        version: u64,
        life: (u64, u64, u64),
    },
    Invalidate {
        app: &'static str,
        credential: Credential,
        version: u64,
    },
    Sent {
        app: &'static str,
    },
    /// The copies are compared with the store.
    Checked,
    Ask {
        method: &'static str,
        url: String,
        authorization: String,
        ip: Option<&'static str>,
    },
}

fn credentials() -> impl Strategy<Value = Credential> {
    prop::sample::select(vec![
        Credential::AccessToken,
        Credential::Ticket(TicketType::Jsapi),
        Credential::Ticket(TicketType::WxCard),
    ])
}

fn apps() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["shop", "other"])
}

fn ask() -> impl Strategy<Value = Step> {
    let callers = prop_oneof![3 => Just("all"), 1 => prop::sample::select(vec!["token", "proxy", "sign", "page", "nobody"])];
    let apps = prop_oneof![4 => Just("shop"), 1 => prop::sample::select(vec!["other", "faulty", "none"])];
    let paths = prop::sample::select(vec![
        "access_token",
        "access_token",
        "access_token?min_ttl=600",
        "access_token?min_ttl=x",
        "tickets/jsapi",
        "tickets/wx_card",
        "tickets/jsapi?min_ttl=1",
        "signature?url=https%3A%2F%2Fshop.example.com%2F%3Fa%3D1",
        "signature?url=https%3A%2F%2Fevil.example%2F",
        "signature",
        "facade",
        "facade",
        "facade/",
        "access_token/refresh",
        "events",
    ]);
    let methods = prop_oneof![8 => Just("GET"), 1 => prop::sample::select(vec!["POST", "HEAD", "QUERY"])];
    let ips =
        prop::sample::select(vec![None, Some("203.0.113.9"), Some("198.51.100.7"), Some("2001:db8::1")]);
    (callers, apps, paths, methods, ips).prop_map(|(caller, app, path, method, ip)| {
        let appid = match app {
            "shop" => "wx0123456789abcdef",
            "other" => "wx0123456789abcdee",
            _ => "wx0000000000000000",
        };
        let url = match path.strip_prefix("facade") {
            Some(rest) => format!(
                "https://host/cgi-bin/token{rest}?grant_type=client_credential&appid={appid}&secret={}",
                key(caller)
            ),
            None => format!("https://host/v1/apps/{app}/{path}"),
        };
        Step::Ask { method, url, authorization: format!("Bearer {}", key(caller)), ip }
    })
}

fn put() -> impl Strategy<Value = Step> {
    // Mostly of a sound record, whose plan is behind the middle of its life.
    let sound = (2_000..6_000_u64, 0..600_u64, 0..1_200_u64)
        .prop_map(|(refresh, trust, expires)| (refresh, refresh + trust, refresh + trust + expires));
    let life = prop_oneof![6 => sound, 1 => (0..8000_u64, 0..8000_u64, 0..8000_u64)];
    (apps(), credentials(), 1..5_u64, life).prop_map(|(app, credential, version, life)| Step::Put {
        app,
        credential,
        version,
        life,
    })
}

pub(super) fn steps() -> impl Strategy<Value = Vec<(u64, Step)>> {
    let invalidate = (apps(), credentials(), 1..5_u64)
        .prop_map(|(app, credential, version)| Step::Invalidate { app, credential, version });
    let sent = apps().prop_map(|app| Step::Sent { app });
    let pauses = || prop_oneof![40 => 0..150_u64, 4 => 150..6_000_u64, 1 => 6_000..3_000_000_u64];
    let step = prop_oneof![4 => put(), 1 => invalidate, 1 => sent, 12 => Just(Step::Checked), 40 => ask()];
    let before = prop::collection::vec((0..1_u64, put()), 12);
    let later = prop::collection::vec((pauses(), step), 1..120);
    (before, later).prop_map(|(before, later)| before.into_iter().chain(later).collect())
}
