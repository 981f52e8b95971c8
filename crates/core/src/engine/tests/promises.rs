//! The layout that is stored, and what holds for any order of events.

use super::*;

/// Stored slots outlive a deployment: a change of this layout has to read the old one too.
#[test]
fn the_stored_layout_is_pinned() {
    let mut desk = Desk::holding(STABLE);
    desk.at(6910).say(Event::Tick);
    desk.fail(refused(40164));
    let mut json = serde_json::to_value(&desk.slot).unwrap();
    json["identity"] = "…".into();
    assert_eq!(
        json,
        serde_json::json!({
            "version": 1,
            "identity": "…",
            "held": {
                "value": "one",
                "life": {"stated": {"until": 1_800_007_200, "of_s": 7200}},
                "plan": {"expires_at": 1_800_007_200, "refresh_at": 1_800_006_910, "wait_from": 1_800_007_140},
                "condemned": false
            },
            "under_way": null,
            "trouble": {
                "failure": {"refused": {"errcode": 40164}},
                "count": 1, "since": 1_800_006_910, "retry_at": 1_800_006_970, "tried_at": 1_800_006_910, "announced": [40164]
            },
            "rotation_lost": false,
            "checked_at": null,
            "checked_version": 0,
            "check_at": null,
            "cleared": 0,
            "force_lost": false,
            "ledger": {
                "day": 20833, "refreshes": 2, "forced": 0, "probes": 0,
                "refreshed_at": 1_800_006_910, "forced_at": null, "probed_at": null
            },
            "revoke": null,
            "outsider": null,
            "stored": null,
            "publish_after": null,
            "publish_failures": 0,
            "last_call": 2,
            "last_success": 1_800_000_000,
            "rotated_at": 1_800_000_000
        })
    );
}

proptest! {
    /// Whatever happens in whatever order: nothing past its life, one call at a time, versions
    /// that only grow, and always a next moment to wake at.
    #[test]
    fn any_order_of_events_keeps_the_promises(
        rule in 0_usize..3,
        steps in prop::collection::vec((0_u8..16, 0_u64..2000, any::<u32>()), 1..200),
    ) {
        let rules = [STABLE, PLAIN, TICKET][rule];
        let (mut slot, mut now, mut serial) = (Slot::default(), T0, 0);
        for (step, pause, dice) in steps {
            now += pause;
            let call = slot.call_id().unwrap_or_default();
            let value = |n: u32| Value::parse(&format!("v{n}")).unwrap();
            let event = match step {
                0 => Event::Configured(shop().identity()),
                1 => Event::Lost,
                2 | 3 => Event::Tick,
                4 => Event::Read { min_ttl_s: pause, patience: Patience::Left },
                5 => Event::Read { min_ttl_s: pause, patience: Patience::Spent },
                6 => Event::StaleReport { digest: value(serial).digest(), patience: Patience::Left },
                7 => { serial += dice % 2; Event::Issued { call, issued: Issued::alone(value(serial), 7200) } }
                8 => Event::Failed { call, failure: Failure::Unreachable },
                9 => Event::Failed { call, failure: refused(-1) },
                10 => Event::Probed { call, verdict: [Verdict::Alive, Verdict::Dead, Verdict::Unclear][dice as usize % 3] },
                11 => Event::PublishFailed,
                12 => Event::Revoke,
                14 => Event::Demand,
                13 => Event::StoreShows(Version::new(u64::from(dice % 9))),
                _ => Event::StoreAhead(Version::new(u64::from(dice % 9))),
            };
            let busy = slot.has_call_under_way();
            let ends = matches!(event, Event::Issued { .. } | Event::Failed { .. } | Event::Probed { .. } | Event::Lost | Event::Configured(_));
            let (next, effects) = decide(rules, &slot, Moment { now: UnixTime::from_secs(now), dice }, event);
            prop_assert!(next.version() >= slot.version());
            prop_assert!(effects.call.is_none() || !busy || ends, "two calls at once");
            prop_assert_eq!(effects.persist, next != slot);
            prop_assert!(effects.wake_at.is_some());
            if let Some(Answer::Serve(record)) = effects.answer {
                prop_assert!(record.expires_at.as_secs() > now && record.expires_at.as_secs() <= now + 7200);
                prop_assert!(record.trust_until <= record.expires_at);
            }
            slot = next;
        }
    }
}
