//! An app as its status shows it: for people, in both languages, and without a value.

use litemap::LiteMap;
use zhongkong_core::alert::{Incident, Open};
use zhongkong_core::config::ReadyApp;
use zhongkong_core::credential::Credential;
use zhongkong_core::engine::{Count, Outsider, Revoke, Rules, Status, Trouble};
use zhongkong_core::json::{Piece, list, maybe, object};
use zhongkong_core::language::Language::{En, Zh};
use zhongkong_core::protocol::Report;
use zhongkong_core::wechat::Failure;
use zhongkong_core::wechat::errcode::Endpoint;

/// An app whose settings are sound.
pub(super) fn ready_app(ready: &ReadyApp, report: &Report) -> Piece {
    let app = &ready.app;
    // The worst of its credentials.
    let state = ["down", "retrying", "empty"]
        .into_iter()
        .find(|state| report.credentials.values().any(|status| status.state == *state))
        .unwrap_or("ok");
    let credentials = by_name(report.credentials.iter(), |credential, status| {
        credential_of(credential, status, Rules::of(app, credential))
    });
    object(&[
        ("app", &app.name),
        ("appid", &app.appid),
        ("platform", &app.platform.name()),
        ("token_api", &app.token_api.name()),
        ("state", &state),
        ("credentials", &credentials),
        ("incidents", &incidents(&report.incidents)),
        ("alerts_waiting", &report.alerts_waiting),
    ])
}

/// An object with a member for each credential.
pub(super) fn by_name<'a, T: 'a>(
    credentials: impl Iterator<Item = (&'a Credential, &'a T)>,
    described: impl Fn(Credential, &T) -> Piece,
) -> Piece {
    credentials.fold(object(&[]), |before, (credential, of_it)| {
        before.and(&[(credential.name(), &described(*credential, of_it))])
    })
}

/// Those that go on.
pub(super) fn incidents(open: &LiteMap<Incident, Open>) -> Piece {
    list(open.iter().map(|(incident, open)| {
        object(&[("incident", incident), ("since", &open.since), ("told", &open.told)])
    }))
}

fn credential_of(credential: Credential, status: &Status, rules: Rules) -> Piece {
    let shown = object(&[
        ("state", &status.state),
        ("version", &status.version),
        ("expires_in", &status.expires_in),
        ("expires_at", &status.expires_at),
        ("age_known", &status.age_known),
        ("rotated_at", &status.rotated_at),
        ("next_refresh_at", &status.next_refresh_at),
        ("last_success_at", &status.last_success_at),
        ("trouble", &maybe(status.trouble.as_ref().map(|trouble| trouble_of(credential, trouble)))),
        ("calls_today", &calls_today(status, rules)),
    ]);
    if credential != Credential::AccessToken {
        return shown;
    }
    let outsider = status.outsider.as_ref().map(|outsider| {
        object(&[
            ("count", &outsider.count),
            ("first_at", &outsider.first_at),
            ("last_at", &outsider.last_at),
            ("detail", &Outsider::advice(rules, En)),
            ("detail_zh", &Outsider::advice(rules, Zh)),
        ])
    });
    shown.and(&[("killed_outside", &maybe(outsider)), ("revoke", &maybe(revoke(status)))])
}

fn trouble_of(credential: Credential, trouble: &Trouble) -> Piece {
    let (failure, endpoint) = (&trouble.failure, Endpoint::of(credential));
    let ip = match failure {
        Failure::Refused(refusal) => refusal.ip,
        _ => None,
    };
    object(&[
        ("errcode", &failure.errcode()),
        ("class", &failure.class(endpoint).name()),
        ("ip", &ip),
        ("detail", &failure.advice(endpoint, En)),
        ("detail_zh", &failure.advice(endpoint, Zh)),
        ("failures", &trouble.count),
        ("since", &trouble.since),
        ("retry_at", &trouble.retry_at),
    ])
}

/// The ledger: what was asked of WeChat since midnight in Beijing.
fn calls_today(status: &Status, rules: Rules) -> Piece {
    let count = |count: Count| object(&[("used", &count.used), ("limit", &count.limit)]);
    let calls = &status.calls;
    let refreshes = object(&[
        ("used", &calls.refreshes.used),
        ("limit", &calls.refreshes.limit),
        ("reserve", &calls.reserve),
    ]);
    if rules == Rules::Ticket {
        return object(&[("refreshes", &refreshes), ("until", &calls.until)]);
    }
    object(&[
        ("refreshes", &refreshes),
        ("forced", &count(calls.forced)),
        ("probes", &count(calls.probes)),
        ("until", &calls.until),
    ])
}

/// How the newest revocation stands; `None` when there was none.
pub(super) fn revoke(status: &Status) -> Option<Piece> {
    let revoke = status.revoke.as_ref()?;
    let trouble = revoke.failure.as_ref().map(|(failure, count, retry_at)| {
        object(&[
            ("errcode", &failure.errcode()),
            ("detail", &failure.advice(Endpoint::Token, En)),
            ("detail_zh", &failure.advice(Endpoint::Token, Zh)),
            ("failures", count),
            ("retry_at", retry_at),
        ])
    });
    Some(object(&[
        ("state", &if revoke.goes_on() { "going_on" } else { "done" }),
        ("requested_at", &revoke.requested_at),
        ("covers_version", &revoke.covers),
        ("forced_refreshes_left", &revoke.left),
        ("trouble", &maybe(trouble)),
        ("next_at", &status.revoke_next_at),
        ("finished_at", &revoke.finished_at),
        ("detail", &Revoke::advice(En)),
        ("detail_zh", &Revoke::advice(Zh)),
    ]))
}
