//! What is wrong with an app, as a person should hear it.

use super::{Finding, Incident};
use crate::config::Fault;
use crate::credential::Credential;
use crate::engine::{RotationPolicy, Status, Trouble};
use crate::language::Language;
use crate::providers::Provider;
use crate::time::UnixTime;
use std::collections::BTreeMap;

/// So long before a credential dies, fewer failures in a row are told of: most credentials are only ever asked for with
/// minutes left, so that a single failure says nothing.
const DYING_S: u64 = 600;
const DYING_AFTER: u32 = 3;

/// With nothing to hand out, a failure is given so long to pass.
const DOWN_FOR_S: u64 = 60;

/// So many hundredths of the day's calls are an incident.
const QUOTA_PERCENT: u32 = 80;

/// What is wrong with the credentials of an app now. `failing`: an incident of failing refreshes goes on already; then it
/// ends when nothing fails any more and everything is there.
pub fn findings(
    provider: &dyn Provider,
    credentials: &BTreeMap<Credential, Status>,
    failing: bool,
    now: UnixTime,
    language: Language,
) -> Vec<Finding> {
    let mut found = Vec::new();
    for (credential, status) in credentials {
        found.extend(refresh_failing(provider, *credential, status, failing, now, language));
        found.extend(quota_low(*credential, status, language));
        if status.outsider.is_some() {
            found.push(Finding {
                incident: Incident::KilledOutside,
                credential: Some(*credential),
                cause: String::new(),
                errcode: None,
                detail: provider.killed_outside(*credential, language).to_owned(),
                dies_at: None,
            });
        }
    }
    found
}

/// What is wrong with the configuration.
pub fn misconfigured(faults: &[Fault]) -> Vec<Finding> {
    let finding = |fault: &Fault| Finding {
        incident: Incident::Misconfigured,
        credential: None,
        cause: fault.to_string(),
        errcode: None,
        detail: fault.to_string(),
        dies_at: None,
    };
    faults.iter().map(finding).collect()
}

fn refresh_failing(
    provider: &dyn Provider,
    credential: Credential,
    status: &Status,
    failing: bool,
    now: UnixTime,
    language: Language,
) -> Option<Finding> {
    let policy = provider.policy(credential);
    let grave = status.trouble.as_ref().is_some_and(|trouble| {
        let dying = status.expires_in <= DYING_S && trouble.count >= DYING_AFTER;
        let down = status.expires_in == 0 && trouble.since.until(now) >= DOWN_FOR_S;
        !trouble.announced.is_empty() || dying || down
    });
    let goes_on = failing && (status.trouble.is_some() || status.expires_in == 0);
    let being_fetched = language.choose("It is being fetched.", "正在获取。").to_owned();
    (grave || goes_on).then(|| Finding {
        incident: Incident::RefreshFailing,
        credential: Some(credential),
        cause: status.trouble.as_ref().map(|trouble| cause(trouble, &policy)).unwrap_or_default(),
        errcode: status.trouble.as_ref().and_then(|trouble| trouble.failure.code()),
        detail: status
            .trouble
            .as_ref()
            .map_or(being_fetched, |trouble| provider.advice(credential, &trouble.failure, language)),
        dies_at: status.expires_at,
    })
}

/// Troubles that pass by themselves are all alike; each that needs a person is news.
fn cause(trouble: &Trouble, policy: &RotationPolicy) -> String {
    let for_people = policy.class(&trouble.failure).is_for_people();
    if for_people { trouble.failure.news().to_string() } else { String::new() }
}

fn quota_low(credential: Credential, status: &Status, language: Language) -> Option<Finding> {
    let refreshes = status.calls.refreshes;
    let low = refreshes.limit > 0 && refreshes.used * 100 >= refreshes.limit * QUOTA_PERCENT;
    low.then(|| {
        let (used, limit) = (refreshes.used, refreshes.limit);
        Finding {
            incident: Incident::QuotaLow,
            credential: Some(credential),
            cause: String::new(),
            errcode: None,
            detail: match language {
                Language::En => format!(
                    "{used} of {limit} calls for {credential} are used up today; a healthy centre needs a few dozen. Look for \
                     somebody else who refreshes this appid, or for a caller that reports a living credential in a loop."
                ),
                Language::Zh => format!(
                    "今天获取 {credential} 的调用已用 {used}/{limit} 次；正常情况下只需几十次。请查找是否有其他系统在刷新同一个 appid，\
                     或有调用方在循环上报仍然有效的凭证。"
                ),
            },
            dies_at: None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::shop;
    use crate::engine::{Event, Moment, Slot, decide};
    use crate::engine::{Failure, Issued, Refusal};
    use crate::providers::wechat::policy::STABLE;

    const T0: UnixTime = UnixTime::from_secs(1_800_000_000);

    /// The slot of a token that was issued at T0, after these failures, each at its second.
    fn failing(failure: &Failure, seconds: &[u64]) -> Slot {
        let mut slot = Slot::default();
        let mut say = |second: u64, event: Event| {
            let moment = Moment { now: T0.plus(second), dice: 0 };
            slot = decide(STABLE, &slot, moment, event).0;
            slot.clone()
        };
        say(0, Event::Configured(shop().identity()));
        let call = say(0, Event::Tick).call_id().unwrap();
        let value = crate::credential::Value::parse("one").unwrap();
        let mut last = say(0, Event::Issued { call, issued: Issued::alone(value, 7200) });
        for second in seconds {
            if let Some(call) = say(*second, Event::Tick).call_id() {
                last = say(*second, Event::Failed { call, failure: failure.clone() });
            }
        }
        last
    }

    fn found(slot: &Slot, second: u64) -> Vec<(Incident, String, Option<UnixTime>)> {
        let now = T0.plus(second);
        let credentials = BTreeMap::from_iter([(Credential::AccessToken, slot.status(&STABLE, now))]);
        findings(&shop(), &credentials, false, now, Language::En)
            .into_iter()
            .map(|finding| (finding.incident, finding.cause, finding.dies_at))
            .collect()
    }

    #[test]
    fn a_refusal_that_needs_a_person_is_told_at_once() {
        let refused = Failure::Refused(Refusal { code: 40164, ip: None });
        let slot = failing(&refused, &[6950]);
        assert_eq!(found(&slot, 6950), [(Incident::RefreshFailing, "40164".to_owned(), Some(T0.plus(7200)))]);
    }

    #[test]
    fn a_passing_trouble_is_told_when_the_token_is_about_to_die() {
        assert_eq!(found(&failing(&Failure::Unreachable, &[6950, 6960]), 6960), [], "these pass");
        assert_eq!(
            found(&failing(&Failure::Unreachable, &[6950, 6960, 6975]), 6975).len(),
            1,
            "225 s are left"
        );
        assert_eq!(found(&failing(&Failure::Unreachable, &[]), 7190), [], "nothing has failed");
    }

    #[test]
    fn with_nothing_to_hand_out_it_is_told_after_a_minute() {
        let mut slot = Slot::default();
        for event in [Event::Configured(shop().identity()), Event::Tick] {
            slot = decide(STABLE, &slot, Moment { now: T0, dice: 0 }, event).0;
        }
        let call = slot.call_id().unwrap();
        let failed = Event::Failed { call, failure: Failure::Unreachable };
        slot = decide(STABLE, &slot, Moment { now: T0, dice: 0 }, failed).0;
        assert_eq!((found(&slot, 59).len(), found(&slot, 60).len()), (0, 1));
    }

    #[test]
    fn it_is_over_when_everything_is_there_again_and_not_before() {
        let still = |slot: &Slot, second: u64| {
            let now = T0.plus(second);
            let credentials = BTreeMap::from_iter([(Credential::AccessToken, slot.status(&STABLE, now))]);
            !findings(&shop(), &credentials, true, now, Language::En).is_empty()
        };
        let slot = failing(&Failure::Unreachable, &[6950]);
        assert!(still(&slot, 6960) && still(&slot, 7201), "one more failure, and then nothing to hand out");
        // Another AppSecret clears the trouble, and brings no token yet.
        let mut other = shop();
        other.appid = "wx00000000000000ff".to_owned();
        let moment = Moment { now: T0.plus(7201), dice: 0 };
        let slot = decide(STABLE, &slot, moment, Event::Configured(other.identity())).0;
        assert!(slot.status(&STABLE, T0.plus(7201)).trouble.is_none() && still(&slot, 7201));
        assert!(!still(&failing(&Failure::Unreachable, &[]), 100));
    }

    #[test]
    fn four_fifths_of_the_quota() {
        let mut status = failing(&Failure::Unreachable, &[]).status(&STABLE, T0);
        status.calls.refreshes.used = 7_999;
        assert_eq!(quota_low(Credential::AccessToken, &status, Language::En), None);
        status.calls.refreshes.used = 8_000;
        let finding = quota_low(Credential::AccessToken, &status, Language::Zh).unwrap();
        assert!(finding.detail.contains("8000/10000"), "{}", finding.detail);
    }
}
