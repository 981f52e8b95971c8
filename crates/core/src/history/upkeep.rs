//! What the engine's events leave in the history.

use super::{Action, Deed};
use crate::credential::Credential;
use crate::engine::{Alert, Call, Effects, Event, Failure, Slot, Verdict};

/// The deeds of one decision: what became of a call, what a person was told, what the store did, and
/// whether the app has become another.
pub fn upkeep(
    credential: Credential,
    event: &Event,
    before: &Slot,
    after: &Slot,
    effects: &Effects,
) -> Vec<Deed<'static>> {
    let deed = |action, result| Deed {
        version: Some(after.version()),
        ..Deed::of_keeper(action, Some(credential), result)
    };
    let mut deeds = Vec::new();
    let ended = match event {
        Event::Issued { call, .. } | Event::Failed { call, .. } | Event::Probed { call, .. } => Some(*call),
        _ => before.call_id(),
    };
    // An outcome counts while its call is under way.
    let call = before.call_under_way().filter(|_| ended == before.call_id());
    match (event, call) {
        (Event::Issued { .. }, Some(call)) => {
            let rotated = after.version() > before.version();
            deeds.push(deed(action(call), if rotated { "rotated" } else { "unchanged" }));
        }
        (Event::Failed { failure, .. }, Some(call)) => {
            deeds.push(Deed { errcode: failure.code(), ..deed(action(call), word(failure)) });
        }
        (Event::Probed { verdict, .. }, Some(call)) => deeds.push(deed(action(call), found(*verdict))),
        (Event::Lost, Some(call)) => deeds.push(deed(action(call), "lost")),
        (Event::PublishFailed, _) => deeds.push(deed(Action::Publish, "failed")),
        (Event::StoreAhead(_), _) => deeds.push(deed(Action::Publish, "store_ahead")),
        (Event::Configured(_), _) if before.serves_another_than(after) => {
            deeds.push(deed(Action::Configuration, "app_secret_or_appid_changed"));
        }
        _ => {}
    }
    deeds.extend(effects.alerts.iter().map(|alert| match alert {
        Alert::Failing(failure) => Deed { errcode: failure.code(), ..deed(Action::Alert, "failing") },
        Alert::Recovered => deed(Action::Alert, "recovered"),
        Alert::KilledOutside => deed(Action::Alert, "killed_outside"),
        Alert::Revoking => deed(Action::Alert, "revoking"),
        Alert::Revoked => deed(Action::Alert, "revoked"),
    }));
    deeds
}

const fn action(call: Call) -> Action {
    match call {
        Call::Refresh => Action::Refresh,
        Call::ForcedRefresh => Action::ForcedRefresh,
        Call::Probe => Action::Probe,
        Call::Knock => Action::Knock,
    }
}

const fn found(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Alive => "alive",
        Verdict::Dead => "dead",
        Verdict::Unclear => "unclear",
        Verdict::Unanswered => "unanswered",
    }
}

const fn word(failure: &Failure) -> &'static str {
    match failure {
        Failure::Refused(_) => "refused",
        Failure::Garbled => "garbled",
        Failure::Unwell => "unwell",
        Failure::Unreachable => "unreachable",
        Failure::NoToken => "no_token",
        Failure::DeadAgain => "dead_again",
        Failure::LedgerFull => "ledger_full",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::shop;
    use crate::credential::{Value, Version};
    use crate::engine::{CallId, Issued, Moment, Refusal, decide};
    use crate::providers::wechat::policy::STABLE;
    use crate::time::UnixTime;

    const TOKEN: Credential = Credential::AccessToken;

    /// What each of these events leaves behind, said one after the other to a new slot.
    fn told(events: &[fn(CallId) -> Event]) -> Vec<(Action, &'static str, Option<u64>, Option<i64>)> {
        let (mut slot, mut told) = (Slot::default(), vec![]);
        for (second, event) in (1_800_000_000..).step_by(40).zip(events) {
            let now = UnixTime::from_secs(second);
            let event = event(slot.call_id().unwrap_or_default());
            let (after, effects) = decide(STABLE, &slot, Moment { now, dice: 0 }, event.clone());
            let deeds = upkeep(TOKEN, &event, &slot, &after, &effects);
            told.extend(
                deeds
                    .iter()
                    .map(|deed| (deed.action, deed.result, deed.version.map(Version::number), deed.errcode)),
            );
            slot = after;
        }
        told
    }

    fn issued(call: CallId) -> Event {
        let value = Value::parse("one").unwrap();
        Event::Issued { call, issued: Issued::alone(value, 7200) }
    }

    #[test]
    fn each_call_leaves_its_outcome() {
        let told = told(&[
            |_| Event::Configured(shop().identity()),
            |_| Event::Tick,
            |call| Event::Failed { call, failure: Failure::Refused(Refusal { code: 40125, ip: None }) },
            |_| Event::Configured(shop().identity()),
        ]);
        assert_eq!(
            told,
            [
                (Action::Refresh, "refused", Some(0), Some(40125)),
                (Action::Alert, "failing", Some(0), Some(40125)),
            ]
        );
    }

    #[test]
    fn rotations_checks_revocations_and_a_changed_secret() {
        let told = told(&[
            |_| Event::Configured(shop().identity()),
            |_| Event::Tick,
            issued,
            |_| Event::StaleReport {
                digest: Value::parse("one").unwrap().digest(),
                patience: crate::engine::Patience::Left,
            },
            |call| Event::Probed { call, verdict: Verdict::Alive },
            |_| Event::Revoke,
            |_| Event::Lost,
            |_| Event::PublishFailed,
            |_| {
                let mut other = shop();
                other.appid = "wx00000000000000ff".to_owned();
                Event::Configured(other.identity())
            },
        ]);
        assert_eq!(
            told,
            [
                (Action::Refresh, "rotated", Some(1), None),
                (Action::Probe, "alive", Some(1), None),
                (Action::Alert, "revoking", Some(1), None),
                (Action::ForcedRefresh, "lost", Some(1), None),
                (Action::Publish, "failed", Some(1), None),
                (Action::Configuration, "app_secret_or_appid_changed", Some(1), None),
            ]
        );
    }

    #[test]
    fn an_outcome_that_nobody_waits_for_any_more_leaves_nothing() {
        let told = told(&[|_| Event::Configured(shop().identity()), issued]);
        assert_eq!(told, []);
    }
}
