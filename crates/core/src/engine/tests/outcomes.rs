//! Lost replies, kills, quotas and tickets.

use super::*;

#[test]
fn what_came_while_the_clock_was_ahead_is_replaced_now_and_not_believed_for_a_day() {
    for policy in [STABLE, PLAIN] {
        let mut desk = Desk::new(policy);
        desk.at(86_400).say(Event::Tick);
        desk.issue("one", 7200);
        desk.at(0).say(Event::Tick);
        assert_eq!(desk.effects.call, Some(Call::Refresh));
        assert_eq!(desk.served(), one("one", 1), "until then it may live");
        let left = desk.slot.record(&desk.policy).unwrap().expires_at.as_secs() - T0;
        assert_eq!(left, 7200);
        desk.at(1).issue("one", 5000);
        assert_eq!(desk.slot.record(&desk.policy).unwrap().expires_at.as_secs(), T0 + 5000);
    }
    // Nor does a pause that began then, or a call that was never answered.
    let mut desk = Desk::new(STABLE);
    desk.at(86_400).say(Event::Tick);
    desk.fail(refused(40164));
    desk.at(0).say(Event::Tick);
    assert_eq!(desk.effects.call, Some(Call::Refresh));
    let mut desk = Desk::new(STABLE);
    desk.at(86_400).say(Event::Tick);
    desk.at(0).say(Event::Tick);
    assert!(desk.effects.call_at.is_some_and(|at| at <= UnixTime::from_secs(T0 + 60)));
    let mut desk = Desk::new(TICKET);
    desk.at(86_400).say(Event::Tick);
    desk.issue("ticket", 7200);
    desk.at(0).say(Event::Tick);
    assert_eq!((desk.effects.call, desk.served()), (Some(Call::Refresh), None), "its age is not known");
}

/// A second rotation would kill it at once: while one is tried, it is not handed out, but there is something to lose, so
/// that the attempt goes to one host.
#[test]
fn a_value_on_its_fuse_is_still_something_to_lose() {
    let mut desk = Desk::holding(PLAIN);
    desk.at(5_400).say(Event::Tick);
    desk.fail(Failure::Unreachable);
    assert_eq!(desk.served(), one("one", 1), "it lives for 300 s");
    desk.at(5_670).say(Event::Tick);
    let now = |second| UnixTime::from_secs(T0 + second);
    assert!(desk.slot.has_call_under_way() && !desk.slot.lives(now(5_670)));
    assert!(desk.slot.has_something_to_lose(now(5_699)) && !desk.slot.has_something_to_lose(now(5_700)));
    desk.fail(refused(-1));
    assert_eq!(desk.served(), one("one", 1), "nothing was replaced");
}

#[test]
fn plain_a_lost_reply_leaves_the_old_token_300_seconds() {
    let mut desk = Desk::holding(PLAIN);
    desk.at(5400).say(Event::Tick);
    desk.at(5410).fail(Failure::Unreachable);
    desk.at(5669).say(Event::Tick);
    assert_eq!(desk.calls.len(), 2, "one more rotation would kill it at once");
    assert_eq!(desk.served(), one("one", 1));
    desk.at(5670).say(Event::Tick);
    assert_eq!(desk.calls.len(), 3);
    assert_eq!(desk.served(), None, "while a second rotation may happen");
    desk.at(5671).fail(refused(-1));
    assert_eq!(desk.served(), one("one", 1), "refused: nothing was rotated");
    assert_eq!(desk.at(5700).served(), None, "the fuse has burnt down");
}

#[test]
fn plain_two_lost_replies_leave_nothing() {
    let mut desk = Desk::holding(PLAIN);
    desk.at(5400).say(Event::Tick);
    desk.fail(Failure::Garbled);
    desk.at(5670).say(Event::Tick);
    desk.at(5671).fail(Failure::Unreachable);
    assert_eq!(desk.served(), None);
    desk.at(5680).say(Event::Tick);
    desk.issue("two", 7200);
    assert_eq!(desk.served(), one("two", 2));
}

#[test]
fn plain_an_outage_is_noticed_by_a_knock_while_nothing_is_at_risk() {
    let mut desk = Desk::holding(PLAIN);
    desk.answers_knocks = false;
    for second in 5400..6890 {
        desk.at(second).say(Event::Tick);
        if desk.slot.has_call_under_way() {
            desk.probe(Verdict::Unanswered);
        }
        assert_eq!(desk.served(), one("one", 1), "{second}");
    }
    assert_eq!(desk.calls_of(Call::Refresh), [0], "nothing that rotates is sent into an outage");
    assert!((5..20).contains(&desk.calls_of(Call::Knock).len()), "{:?}", desk.calls);
    assert_eq!(desk.alerts, [Alert::Failing(Failure::Unreachable)]);
    // In the last 300 s a lost reply costs nothing any more.
    for second in 6890..6990 {
        desk.at(second).say(Event::Tick);
    }
    assert_eq!(desk.calls_of(Call::Refresh).len(), 2);
    desk.issue("two", 7200);
    assert_eq!((desk.served(), desk.alerts.len()), (one("two", 2), 2));
}

#[test]
fn plain_a_knock_finds_a_dead_token_and_takes_any_reply_for_an_answer() {
    let mut desk = Desk::holding(PLAIN);
    desk.answers_knocks = false;
    assert!(matches!(desk.at(5400).read(), Answer::Serve(_)));
    desk.at(5401).probe(Verdict::Dead);
    assert_eq!((desk.effects.call, desk.served()), (Some(Call::Refresh), None));
    assert_eq!(desk.alerts, [Alert::KilledOutside]);
    let mut desk = Desk::holding(PLAIN);
    desk.answers_knocks = false;
    desk.at(5400).say(Event::Tick);
    desk.probe(Verdict::Unclear);
    assert_eq!(desk.effects.call, Some(Call::Refresh));
    let mut desk = Desk::holding(PLAIN);
    desk.answers_knocks = false;
    desk.at(5400).say(Event::Tick);
    desk.at(5402).say(Event::Lost);
    assert_eq!((desk.served(), desk.slot.trouble.clone()), (one("one", 1), None), "nothing was at risk");
}

#[test]
fn stable_a_lost_reply_costs_nothing() {
    let mut desk = Desk::holding(STABLE);
    desk.at(6910).say(Event::Tick);
    desk.fail(Failure::Unreachable);
    assert_eq!(desk.at(7100).served(), one("one", 1));
}

#[test]
fn a_keeper_killed_during_a_call_goes_on_when_it_comes_back() {
    let mut desk = Desk::holding(PLAIN);
    desk.at(5400).say(Event::Tick);
    desk.slot = serde_json::from_str(&serde_json::to_string(&desk.slot).unwrap()).unwrap();
    let call = desk.slot.call_id().unwrap();
    desk.at(5402).say(Event::Lost);
    assert!(!desk.slot.has_call_under_way());
    assert_eq!(desk.at(5639).served(), one("one", 1));
    desk.say(Event::Issued { call, issued: Issued::alone(Value::parse("late").unwrap(), 7200) });
    assert_eq!(desk.slot.version(), Version::new(1), "too late to be told apart");
}

#[test]
fn a_changed_secret_is_acted_on() {
    let mut desk = Desk::holding(STABLE);
    let (version, expires_at) = (Version::new(1), UnixTime::from_secs(T0 + 7200));
    desk.say(Event::Published(Some(Stored { version, expires_at, at: expires_at })));
    let other: Identity = App { appid: "wx1".to_owned(), ..shop() }.identity();
    desk.at(100).say(Event::Configured(other));
    assert!(desk.effects.publish && desk.slot.record(&desk.policy).is_none(), "what is stored is withdrawn");
    assert_eq!(desk.read(), Answer::Wait);
    desk.issue("two", 7200);
    assert_eq!(desk.served(), one("two", 2));
}

#[test]
fn the_store_is_written_once_for_a_value_and_again_after_a_failure() {
    let mut desk = Desk::holding(STABLE);
    desk.at(1).say(Event::PublishFailed);
    assert!(!desk.effects.publish && desk.effects.wake_at == Some(UnixTime::from_secs(T0 + 11)));
    desk.at(11).say(Event::Tick);
    assert!(desk.effects.publish);
    let (version, expires_at) = (Version::new(1), UnixTime::from_secs(T0 + 7200));
    desk.say(Event::Published(Some(Stored { version, expires_at, at: expires_at })));
    desk.at(12).say(Event::Tick);
    assert!(!desk.effects.publish);
    assert_eq!(desk.effects.wake_at, Some(UnixTime::from_secs(T0 + 6910)));
}

#[test]
fn a_wrong_secret_alerts_once_and_slows_down() {
    let mut desk = Desk::new(STABLE);
    for second in 0..3600 {
        desk.at(second).read();
        if desk.slot.has_call_under_way() {
            desk.fail(refused(40125));
        }
    }
    assert!((7..=10).contains(&desk.calls.len()), "{:?}", desk.calls);
    assert_eq!(desk.alerts, [Alert::Failing(refused(40125))]);
    desk.at(4300).say(Event::Tick);
    desk.issue("one", 7200);
    assert_eq!(desk.alerts.len(), 2);
    assert_eq!(desk.alerts[1], Alert::Recovered);
}

#[test]
fn a_used_up_quota_is_asked_for_once_an_hour_and_only_with_nothing_to_serve() {
    let mut desk = Desk::new(PLAIN);
    for second in 0..20_000 {
        desk.at(second).read();
        if desk.slot.has_call_under_way() {
            desk.fail(refused(45009));
        }
    }
    assert_eq!(desk.calls.len(), 6);
    let mut desk = Desk::holding(PLAIN);
    desk.at(5400).say(Event::Tick);
    desk.fail(refused(45009));
    desk.at(7199).read();
    assert_eq!(desk.calls.len(), 2, "what lives is served, and nothing is asked");
}

#[test]
fn a_refused_forced_refresh_does_not_park_the_token_until_midnight() {
    let mut desk = Desk::holding(STABLE);
    desk.at(100).report("one");
    desk.probe(Verdict::Dead);
    desk.issue("one", 7100);
    assert_eq!(desk.effects.call, Some(Call::ForcedRefresh));
    desk.fail(refused(45009));
    desk.at(200).say(Event::Tick);
    assert_eq!(desk.effects.call, Some(Call::Refresh));
    desk.issue("two", 7200);
    assert_eq!(desk.served(), one("two", 2));
}

#[test]
fn a_forced_refresh_refused_for_a_minute_is_tried_again_after_it() {
    let mut desk = Desk::holding(STABLE);
    desk.at(100).report("one");
    desk.probe(Verdict::Dead);
    desk.issue("one", 7100);
    desk.fail(refused(45011));
    desk.at(161).say(Event::Tick);
    desk.issue("one", 7039);
    assert_eq!(desk.effects.call, Some(Call::ForcedRefresh));
}

#[test]
fn plain_a_token_proven_dead_is_replaced_in_spite_of_the_pause_that_protected_it() {
    let mut desk = Desk::holding(PLAIN);
    desk.at(5400).say(Event::Tick);
    desk.fail(Failure::Unreachable);
    desk.at(5420).report("one");
    desk.probe(Verdict::Dead);
    assert_eq!(desk.effects.call, Some(Call::Refresh));
}

#[test]
fn two_failures_that_take_turns_alert_once_each() {
    let mut desk = Desk::new(STABLE);
    for second in 0..7200 {
        desk.at(second).read();
        if desk.slot.has_call_under_way() {
            let errcode = if desk.calls.len().is_multiple_of(2) { 40164 } else { 89503 };
            desk.fail(refused(errcode));
        }
    }
    assert_eq!(desk.alerts.len(), 2);
}

/// A WeChat whose ticket changes every 7200 s; `expires_in` is always 7200.
#[test]
fn a_ticket_is_watched_until_its_age_is_known_and_then_left_alone() {
    let mut desk = Desk::new(TICKET);
    let value_at = |second: u64| format!("ticket-{}", (second + 3000) / 7200);
    let (mut dead, mut nothing) = (0, 0);
    for second in 0..86_400 {
        desk.at(second).say(Event::Tick);
        if desk.slot.has_call_under_way() {
            desk.issue(&value_at(second), 7200);
        }
        match desk.served() {
            None => nothing += 1,
            Some((value, _)) if value != value_at(second) => dead += 1,
            Some(_) => {}
        }
        // Of the first value nothing is known, of the second its end to within minutes.
        if second == 4300 + 7200 {
            (dead, nothing) = (0, 0);
        }
    }
    assert_eq!(dead, 0, "no dead ticket once the age is known");
    assert!(nothing < 30, "{nothing} seconds without one: readers wait so long");
    assert!(desk.calls.len() < 115, "{} calls in a day", desk.calls.len());
    assert_eq!(desk.slot.version(), Version::new(13));
}

#[test]
fn a_young_acquaintance_reports_a_short_life() {
    let desk = Desk::holding(TICKET);
    let record = desk.slot.record(&desk.policy).unwrap();
    assert_eq!(record.expires_in_s(UnixTime::from_secs(T0)), 600);
}
