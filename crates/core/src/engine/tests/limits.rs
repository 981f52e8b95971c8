//! What is asked of WeChat beyond the plan: wishes for more life, revocations, the ledger; and what the
//! store and outsiders do behind our back.

use super::*;

fn wish(min_ttl_s: u64) -> Event {
    Event::Read { min_ttl_s, patience: Patience::Left }
}

#[test]
fn more_life_is_fetched_where_the_rules_allow_it() {
    let mut desk = Desk::holding(STABLE);
    assert!(matches!(desk.at(6900).say(wish(7200)).answer, Some(Answer::Serve(_))));
    assert_eq!(desk.calls.len(), 1, "the stable API would give the same token");
    // Its plan may be up to 29 s later than the first moment at which a new one can be had.
    desk.slot.held.as_mut().unwrap().plan.refresh_at = UnixTime::from_secs(T0 + 6939);
    assert!(matches!(desk.at(6912).say(wish(280)).answer, Some(Answer::Serve(_))), "288 s are left");
    assert_eq!(desk.at(6912).say(wish(300)).answer, Some(Answer::Wait));
    assert_eq!(desk.at(6912).say(wish(300)).answer, Some(Answer::Wait));
    assert_eq!(desk.calls.len(), 2, "one call for all");
    desk.at(6913).issue("two", 7200);
    assert!(matches!(desk.say(wish(7100)).answer, Some(Answer::Serve(_))));
}

#[test]
fn a_wish_for_more_is_no_loop() {
    let mut desk = Desk::holding(STABLE);
    for second in 6900..7130 {
        desk.at(second).say(wish(3600));
        if desk.slot.has_call_under_way() {
            desk.issue("one", 7200 - second);
        }
    }
    assert!(desk.calls.len() < 20, "{:?}", desk.calls);
    let mut desk = Desk::holding(PLAIN);
    for second in 0..5390 {
        assert!(matches!(desk.at(second).say(wish(7200)).answer, Some(Answer::Serve(_))));
    }
    assert_eq!(desk.calls.len(), 1, "copies of a plain token are trusted by its plan");
}

#[test]
fn a_leaked_token_is_killed_by_two_forced_refreshes_thirty_seconds_apart() {
    for rules in [STABLE, PLAIN] {
        let mut desk = Desk::holding(rules);
        desk.at(100).say(Event::Revoke);
        assert_eq!(desk.effects.call, Some(Call::ForcedRefresh));
        assert_eq!(desk.served(), one("one", 1), "it serves until the new one is there");
        desk.at(101).issue("two", 7200);
        assert_eq!((desk.served(), desk.slot.revoke.clone().unwrap().left), (one("two", 2), 1));
        let trust_until = desk.slot.record(&rules).unwrap().trust_until.as_secs();
        assert!(trust_until <= T0 + 340, "the next forced refresh leaves copies 300 s");
        desk.say(stored(2, 101));
        assert_eq!(desk.effects.wake_at, Some(UnixTime::from_secs(T0 + 132)), "the alarm drives it");
        // A restart between the two.
        desk.slot = serde_json::from_str(&serde_json::to_string(&desk.slot).unwrap()).unwrap();
        desk.at(120).say(Event::Configured(shop().identity()));
        desk.at(131).say(Event::Tick);
        assert_eq!(desk.effects.call, None);
        desk.at(132).say(Event::Tick);
        assert_eq!(
            desk.effects.call,
            Some(Call::ForcedRefresh),
            "31 s after the reply: times are rounded down"
        );
        desk.at(133).issue("three", 7200);
        assert_eq!(desk.slot.revoke.clone().unwrap().finished_at, Some(UnixTime::from_secs(T0 + 133)));
        assert!(desk.slot.record(&rules).unwrap().trust_until.as_secs() > T0 + 5000, "trusted again");
        assert_eq!(desk.alerts, [Alert::Revoking, Alert::Revoked]);
        for second in 134..5000 {
            desk.at(second).say(Event::Tick);
        }
        assert_eq!(desk.calls.len(), 3);
    }
}

#[test]
fn asking_again_meanwhile_costs_no_more_steps() {
    let mut desk = Desk::holding(STABLE);
    for second in [100, 100, 101] {
        desk.at(second).say(Event::Revoke);
    }
    desk.issue("two", 7200);
    desk.at(131).say(Event::Tick);
    desk.at(132).say(Event::Tick);
    desk.issue("three", 7200);
    assert_eq!(desk.slot.revoke.clone().unwrap().finished_at, Some(UnixTime::from_secs(T0 + 132)));
    assert_eq!((desk.calls_of(Call::ForcedRefresh), desk.alerts.len()), (vec![100, 132], 2));
}

#[test]
fn a_token_that_leaks_between_the_steps_is_called_revoked_only_when_it_is_dead() {
    let mut desk = Desk::holding(STABLE);
    desk.at(100).say(Event::Revoke);
    desk.issue("two", 7200);
    desk.at(110).say(Event::Revoke);
    assert_eq!(desk.slot.revoke.clone().unwrap().covers.number(), 2);
    desk.at(131).say(Event::Tick);
    desk.issue("three", 7200);
    let stored_until = UnixTime::from_secs(T0 + 131 + 7200);
    let stored_at = UnixTime::from_secs(T0 + 131);
    desk.say(Event::Published(Some(Stored {
        version: Version::new(3),
        expires_at: stored_until,
        at: stored_at,
    })));
    // "two" lives for 300 s more.
    for second in 132..491 {
        desk.at(second).say(Event::Tick);
        assert!(desk.slot.revoking().is_some(), "{second}");
    }
    assert_eq!(desk.effects.wake_at, Some(UnixTime::from_secs(T0 + 491)));
    desk.at(491).say(Event::Tick);
    assert!(desk.slot.revoking().is_none());
    assert_eq!((desk.calls_of(Call::ForcedRefresh), desk.alerts.len()), (vec![100, 131], 2));
}

#[test]
fn a_revocation_goes_on_after_failures_and_counts_new_tokens_only() {
    let mut desk = Desk::holding(STABLE);
    desk.at(100).say(Event::Revoke);
    desk.fail(refused(40164));
    assert_eq!(
        (desk.served(), desk.slot.trouble.clone()),
        (one("one", 1), None),
        "the token is in no trouble"
    );
    assert_eq!(desk.alerts, [Alert::Revoking, Alert::Failing(refused(40164))]);
    desk.at(170).say(Event::Tick);
    desk.issue("one", 7030);
    assert_eq!(desk.slot.revoke.clone().unwrap().left, 2, "WeChat did not refresh");
    desk.at(210).say(Event::Tick);
    desk.fail(refused(45009));
    assert_eq!((desk.served(), desk.slot.trouble.clone()), (one("one", 1), None), "only force is used up");
    desk.at(7200).say(Event::Tick);
    desk.issue("two", 7200);
    desk.at(7560).say(Event::Tick);
    let revoke = desk.slot.revoke.clone().unwrap();
    assert_eq!(revoke.finished_at, Some(UnixTime::from_secs(T0 + 7560)), "it has died of age");
    assert_eq!(desk.calls_of(Call::ForcedRefresh), [100, 170, 210]);
}

#[test]
fn with_half_of_it_done_the_token_dies_within_minutes_and_copies_are_trusted_again() {
    let mut desk = Desk::holding(STABLE);
    desk.at(100).say(Event::Revoke);
    desk.issue("two", 7200);
    desk.at(140).say(Event::Tick);
    desk.fail(refused(45009));
    for second in 141..1000 {
        desk.at(second).say(Event::Tick);
    }
    let revoke = desk.slot.revoke.clone().unwrap();
    assert_eq!((revoke.left, revoke.finished_at), (1, Some(UnixTime::from_secs(T0 + 460))));
    assert!(desk.slot.record(&desk.policy).unwrap().trust_until.as_secs() > T0 + 7000);
    assert!(desk.effects.publish, "what was published is trusted for minutes only");
}

#[test]
fn a_lost_reply_of_a_revocation_is_cleared_up_by_an_ordinary_refresh() {
    for (comes, left) in [("two", 1), ("one", 2)] {
        let mut desk = Desk::holding(STABLE);
        desk.at(100).say(Event::Revoke);
        desk.at(108).fail(Failure::Unreachable);
        assert_eq!(desk.served(), one("one", 1));
        assert_eq!(desk.slot.status(&desk.policy, UnixTime::from_secs(desk.now)).expires_in, 292, "the fuse");
        for second in 109..130 {
            desk.at(second).say(Event::Tick);
        }
        assert_eq!(desk.calls_of(Call::Refresh).len(), 2, "the normal mode tells the current token");
        desk.issue(comes, 7170);
        assert_eq!(desk.slot.revoke.clone().unwrap().left, left, "{comes}");
        assert!(desk.slot.status(&desk.policy, UnixTime::from_secs(desk.now)).expires_in > 7000);
        desk.at(145).say(Event::Tick);
        assert_eq!(desk.effects.call, Some(Call::ForcedRefresh));
    }
}

#[test]
fn an_ordinary_refresh_counts_for_a_lost_force_only_if_it_replaces_something() {
    let mut desk = Desk::new(STABLE);
    desk.say(Event::Revoke);
    desk.fail(Failure::Unreachable);
    desk.at(10).say(Event::Tick);
    desk.issue("perhaps-the-leaked-one", 7200);
    assert_eq!(desk.slot.revoke.clone().unwrap().left, 2);
}

#[test]
fn one_failed_planned_refresh_in_the_reserve_is_no_outage() {
    let rules = plain(1800, 200);
    let mut desk = Desk::holding(rules);
    for second in 0..170 {
        desk.slot.ledger.enter(&desk.policy.limits, Call::Refresh, UnixTime::from_secs(T0 + second));
    }
    for second in 5400..7000 {
        desk.at(second).say(Event::Tick);
        if desk.slot.has_call_under_way() && desk.calls.len() < 4 {
            desk.fail(refused(-1));
        } else if desk.slot.has_call_under_way() {
            desk.issue("two", 7200);
        }
        assert!(desk.served().is_some(), "{second}");
    }
    assert_eq!(desk.served(), one("two", 2));
}

#[test]
fn plain_a_lost_reply_of_a_revocation_does_not_wait_for_the_plan() {
    let mut desk = Desk::holding(PLAIN);
    desk.at(100).say(Event::Revoke);
    desk.at(108).fail(Failure::Unreachable);
    assert_eq!(desk.served(), one("one", 1));
    desk.at(370).say(Event::Tick);
    desk.at(378).fail(Failure::Unreachable);
    assert_eq!(desk.served(), None, "two lost replies leave nothing");
    for second in 379..390 {
        desk.at(second).say(Event::Tick);
    }
    desk.issue("two", 7200);
    assert_eq!(desk.served(), one("two", 2));
}

#[test]
fn revocations_in_a_loop_end_at_the_ledger() {
    let mut desk = Desk::holding(STABLE);
    for second in 0..7000 {
        desk.at(second).say(Event::Revoke);
        if desk.slot.has_call_under_way() {
            desk.issue(&format!("t{second}"), 7200);
        }
    }
    assert_eq!(desk.calls_of(Call::ForcedRefresh).len(), 20);
}

/// Another centre refreshes the same appid each time it finds its token dead, and callers report at once.
#[test]
fn a_quarrel_with_another_centre_leaves_the_reserve_and_is_told_once() {
    let mut desk = Desk::holding(plain(1800, 200));
    let midnight = UnixTime::from_secs(T0).next_day(8 * 3600).as_secs() - T0;
    for second in 1..midnight {
        desk.at(second).say(Event::Tick);
        if let Some((value, _)) = desk.served() {
            desk.report(&value);
        }
        match desk.slot.under_way.map(|call| call.call) {
            Some(Call::Probe) => drop(desk.probe(Verdict::Dead)),
            Some(_) => drop(desk.issue(&format!("t{second}"), 7200)),
            None => {}
        }
        if desk.slot.has_call_under_way() {
            desk.issue(&format!("healed{second}"), 7200);
        }
    }
    let refreshes = desk.calls_of(Call::Refresh);
    assert!((190..=200).contains(&refreshes.len()), "{}", refreshes.len());
    assert!(refreshes[159] < 8000 && refreshes[refreshes.len() - 1] > midnight - 3000, "{refreshes:?}");
    assert_eq!(desk.alerts, [Alert::KilledOutside]);
    let outsider = desk.slot.status(&desk.policy, UnixTime::from_secs(desk.now)).outsider.unwrap();
    assert!(outsider.count > 150, "{outsider:?}");
}

#[test]
fn a_full_ledger_is_told_and_asks_once_an_hour() {
    let rules = plain(1800, 50);
    let mut desk = Desk::new(rules);
    for second in 0..10_000 {
        desk.at(second).read();
        if desk.slot.has_call_under_way() {
            // Each token lives for a second: whatever that is, it spends the quota.
            desk.issue(&format!("t{second}"), 1);
        }
    }
    assert!((50..=53).contains(&desk.calls.len()), "{}", desk.calls.len());
    assert_eq!(desk.alerts[0], Alert::Failing(Failure::LedgerFull));
    let status = desk.slot.status(&rules, UnixTime::from_secs(desk.now));
    assert_eq!((status.calls.refreshes.limit, status.calls.reserve), (50, 10));
    assert_eq!(status.trouble.unwrap().failure, Failure::LedgerFull);
}

#[test]
fn a_token_that_dies_early_by_our_own_doing_is_nobody_elses_fault() {
    let mut desk = Desk::holding(PLAIN);
    desk.at(5400).say(Event::Tick);
    desk.fail(Failure::Unreachable);
    desk.at(5500).report("one");
    desk.probe(Verdict::Dead);
    assert_eq!(desk.alerts, [], "our own lost call may have rotated it");

    let mut desk = Desk::holding(STABLE);
    desk.at(100).say(Event::Revoke);
    desk.issue("two", 7200);
    desk.at(110).report("two");
    desk.probe(Verdict::Dead);
    assert_eq!(desk.alerts, [Alert::Revoking]);

    let mut desk = Desk::holding(STABLE);
    desk.at(7150).say(Event::Tick);
    desk.fail(refused(-1));
    desk.report("one");
    desk.probe(Verdict::Dead);
    assert_eq!(desk.alerts, [], "it has died of age");
}

#[test]
fn probes_that_tell_nothing_come_ever_less_often() {
    let mut desk = Desk::holding(STABLE);
    for second in 0..6000 {
        if desk.at(second).report("one") == Answer::Wait {
            desk.probe(Verdict::Unclear);
        }
    }
    assert!(desk.calls_of(Call::Probe).len() < 25, "{:?}", desk.calls);
}

fn stored(version: u64, at: u64) -> Event {
    let expires_at = UnixTime::from_secs(T0 + 7200);
    let at = UnixTime::from_secs(T0 + at);
    Event::Published(Some(Stored { version: Version::new(version), expires_at, at }))
}

#[test]
fn a_record_that_was_lost_or_overtaken_is_written_again_but_not_while_the_store_may_be_behind() {
    let mut desk = Desk::holding(STABLE);
    desk.say(stored(1, 0));
    assert!(!desk.at(300).say(Event::StoreShows(Version::NONE)).publish);
    assert!(!desk.at(700).say(Event::StoreShows(Version::new(1))).publish);
    assert!(desk.at(700).say(Event::StoreShows(Version::NONE)).publish);
}

#[test]
fn a_keeper_that_has_lost_its_memory_goes_on_counting_where_the_store_stands() {
    let mut desk = Desk::holding(STABLE);
    assert!(desk.at(1).say(Event::StoreAhead(Version::new(500))).publish);
    assert_eq!(desk.served(), one("one", 501));
}

#[test]
fn what_was_not_sent_is_not_counted() {
    let mut desk = Desk::new(TICKET);
    for round in 0..50 {
        desk.at(round * 400).say(Event::Tick);
        desk.fail(Failure::NoToken);
    }
    let now = UnixTime::from_secs(desk.now);
    assert_eq!((desk.calls.len(), desk.slot.status(&TICKET, now).calls.refreshes.used), (50, 0));
    desk.at(50 * 400).say(Event::Tick);
    desk.fail(refused(-1));
    assert_eq!(desk.slot.status(&TICKET, UnixTime::from_secs(desk.now)).calls.refreshes.used, 1);
}
