//! What people ask for at the console: a try now.

use super::*;

#[test]
fn a_pause_after_a_failure_is_cut_short_but_not_by_a_loop() {
    let mut desk = Desk::new(STABLE);
    desk.say(Event::Tick);
    desk.fail(refused(40164));
    assert_eq!(desk.at(5).say(Event::Demand).call, None, "too soon after the last");
    assert_eq!(desk.at(12).say(Event::Demand).call, Some(Call::Refresh));
    assert_eq!(desk.at(12).say(Event::Demand).call, None, "one is under way");
    desk.issue("one", 7200);
    assert_eq!((desk.served(), desk.alerts.last()), (one("one", 1), Some(&Alert::Recovered)));
    let mut desk = Desk::holding(STABLE);
    for second in 1..3600 {
        desk.at(second).say(Event::Demand);
        if desk.slot.has_call_under_way() {
            desk.issue("one", 7200 - second);
        }
    }
    assert!(desk.calls.len() <= 61, "{}", desk.calls.len());
}

#[test]
fn a_living_plain_token_is_probed_and_not_replaced() {
    let mut desk = Desk::holding(PLAIN);
    assert_eq!(desk.at(60).say(Event::Demand).call, Some(Call::Probe));
    let call = desk.slot.call_id().unwrap();
    desk.say(Event::Probed { call, verdict: Verdict::Alive });
    assert_eq!(desk.served(), one("one", 1));
    assert_eq!(desk.at(85).say(Event::Demand).call, None);
    assert_eq!(desk.at(90).say(Event::Demand).call, Some(Call::Probe));
    let call = desk.slot.call_id().unwrap();
    desk.say(Event::Probed { call, verdict: Verdict::Dead });
    assert_eq!(desk.effects.call, Some(Call::Refresh), "dead: now it is replaced");
}

#[test]
fn checks_by_people_do_not_make_reports_wait() {
    let mut desk = Desk::holding(PLAIN);
    for round in 1..9 {
        assert_eq!(desk.at(round * 40).say(Event::Demand).call, Some(Call::Probe));
        let call = desk.slot.call_id().unwrap();
        desk.say(Event::Probed { call, verdict: Verdict::Alive });
    }
    let digest = Value::parse("one").unwrap().digest();
    let report = Event::StaleReport { digest, patience: Patience::Left };
    assert_eq!(desk.at(8 * 40 + 31).say(report).call, Some(Call::Probe));
}

#[test]
fn nothing_is_rotated_within_the_fuse() {
    let mut desk = Desk::holding(PLAIN);
    desk.at(5400).say(Event::Tick);
    desk.fail(Failure::Unreachable);
    let calls = desk.calls.len();
    for second in 5401..5660 {
        assert_eq!(desk.at(second).say(Event::Demand).call, None, "{second}");
    }
    assert_eq!(desk.calls.len(), calls);
}

#[test]
fn a_revocation_goes_its_own_way_and_the_ledger_holds() {
    let mut desk = Desk::holding(STABLE);
    desk.at(100).say(Event::Revoke);
    desk.at(101).issue("two", 7200);
    assert_eq!(desk.at(120).say(Event::Demand).call, None);
    let mut desk = Desk::new(plain(1800, 50));
    for second in 1..20_000 {
        desk.at(second).say(Event::Demand);
        if desk.slot.has_call_under_way() {
            desk.fail(refused(40164));
        }
    }
    assert!((40..=50).contains(&desk.calls.len()), "{}", desk.calls.len());
}
