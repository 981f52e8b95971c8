//! Scenarios: what the engine does, told as a reader, a reporter or an operator would see it.

mod demands;
mod limits;
mod outcomes;
mod promises;

use super::*;
use crate::app::tests::shop;
use crate::app::{App, Identity};
use crate::credential::{Value, Version};
use crate::providers::wechat::policy::{STABLE, TICKET, plain};
use proptest::prelude::*;

const T0: u64 = 1_800_000_000;
const PLAIN: RotationPolicy = plain(1800, 2000);

/// One slot, a clock, and what has been decided.
struct Desk {
    policy: RotationPolicy,
    slot: Slot,
    now: u64,
    effects: Effects,
    calls: Vec<(u64, Call)>,
    /// Whether WeChat answers a knock. Those it answers are not noted.
    answers_knocks: bool,
    alerts: Vec<Alert>,
}

impl Desk {
    fn new(policy: RotationPolicy) -> Self {
        let slot = Slot::default();
        let mut desk = Self {
            policy,
            slot,
            now: T0,
            effects: Effects::default(),
            calls: vec![],
            answers_knocks: true,
            alerts: vec![],
        };
        desk.say(Event::Configured(shop().identity()));
        desk
    }

    /// A desk that holds a fresh value `one`, sent for at T0.
    fn holding(policy: RotationPolicy) -> Self {
        let mut desk = Self::new(policy);
        desk.say(Event::Tick);
        desk.issue("one", 7200);
        desk
    }

    fn say(&mut self, event: Event) -> &Effects {
        let moment = Moment { now: UnixTime::from_secs(self.now), dice: 0 };
        let (slot, effects) = decide(self.policy, &self.slot, moment, event);
        assert!(slot.version() >= self.slot.version(), "versions only grow");
        self.slot = slot;
        self.alerts.extend(effects.alerts.clone());
        if effects.call == Some(Call::Knock) && self.answers_knocks {
            let (answer, call) = (effects.answer, self.slot.call_id().unwrap());
            self.say(Event::Probed { call, verdict: Verdict::Alive });
            self.effects.answer = answer;
            return &self.effects;
        }
        self.calls.extend(effects.call.map(|call| (self.now - T0, call)));
        self.effects = effects;
        &self.effects
    }

    fn at(&mut self, seconds: u64) -> &mut Self {
        self.now = T0 + seconds;
        self
    }

    fn issue(&mut self, value: &str, expires_in_s: u64) -> &Effects {
        let call = self.slot.call_id().expect("a call under way");
        let issued = Issued::alone(Value::parse(value).unwrap(), expires_in_s);
        self.say(Event::Issued { call, issued })
    }

    fn fail(&mut self, failure: Failure) -> &Effects {
        let call = self.slot.call_id().expect("a call under way");
        self.say(Event::Failed { call, failure })
    }

    fn probe(&mut self, verdict: Verdict) -> &Effects {
        let call = self.slot.call_id().expect("a call under way");
        self.say(Event::Probed { call, verdict })
    }

    fn read(&mut self) -> Answer {
        self.say(Event::Read { min_ttl_s: 0, patience: Patience::Left }).answer.clone().unwrap()
    }

    fn report(&mut self, value: &str) -> Answer {
        let digest = Sha256Digest::of(value);
        self.say(Event::StaleReport { digest, patience: Patience::Left }).answer.clone().unwrap()
    }

    fn calls_of(&self, call: Call) -> Vec<u64> {
        self.calls.iter().filter(|(_, made)| *made == call).map(|(at, _)| *at).collect()
    }

    /// The value that a reader gets, or nothing.
    fn served(&mut self) -> Option<(String, u64)> {
        match self.say(Event::Read { min_ttl_s: 0, patience: Patience::Spent }).answer.clone().unwrap() {
            Answer::Serve(record) => Some((record.value.expose().to_owned(), record.version.number())),
            _ => None,
        }
    }
}

fn refused(errcode: i64) -> Failure {
    Failure::Refused(Refusal { code: errcode, ip: None })
}

fn one(value: &str, version: u64) -> Option<(String, u64)> {
    Some((value.to_owned(), version))
}

#[test]
fn the_first_reader_starts_the_call_and_all_wait_for_it() {
    let mut desk = Desk::new(STABLE);
    for _ in 0..500 {
        assert_eq!(desk.read(), Answer::Wait);
    }
    assert_eq!(desk.calls, [(0, Call::Refresh)]);
    desk.at(2).issue("one", 7200);
    assert!(desk.effects.persist && desk.effects.publish);
    let Answer::Serve(record) = desk.read() else { panic!("served") };
    assert_eq!(record.expires_at.as_secs(), T0 + 7200, "life counts from the sending");
    assert_eq!(record.version, Version::new(1));
}

#[test]
fn the_old_value_serves_while_the_new_one_is_fetched() {
    let mut desk = Desk::holding(STABLE);
    assert!(matches!(desk.at(6909).read(), Answer::Serve(_)));
    assert_eq!(desk.calls.len(), 1, "not before the last 300 s");
    assert!(matches!(desk.at(6910).read(), Answer::Serve(_)));
    assert_eq!(desk.calls.len(), 2);
    assert_eq!(desk.served(), one("one", 1));
    desk.at(6912).issue("two", 7200);
    assert_eq!(desk.served(), one("two", 2));
}

#[test]
fn the_plain_token_is_replaced_half_an_hour_ahead() {
    let mut desk = Desk::holding(PLAIN);
    desk.at(5399).say(Event::Tick);
    assert_eq!(desk.calls.len(), 1);
    desk.at(5400).say(Event::Tick);
    assert_eq!(desk.calls.len(), 2);
}

#[test]
fn a_failed_refresh_keeps_what_lives_and_tries_again_ever_more_slowly() {
    let mut desk = Desk::holding(PLAIN);
    for second in 5400..7200 {
        desk.at(second).say(Event::Tick);
        if desk.slot.has_call_under_way() {
            desk.fail(refused(-1));
        }
        assert_eq!(desk.served(), one("one", 1), "{second}");
    }
    let attempts = desk.calls.len() - 1;
    assert!((10..40).contains(&attempts), "{attempts} attempts in half an hour");
    assert_eq!(desk.at(7200).served(), None);
    assert_eq!(desk.alerts.len(), 1, "one alert for one incident");
}

#[test]
fn in_the_last_minute_a_reader_waits_and_then_gets_what_lives() {
    let mut desk = Desk::holding(STABLE);
    assert_eq!(desk.at(7141).read(), Answer::Wait);
    assert_eq!(desk.at(7146).served(), one("one", 1));
    desk.at(7150).fail(Failure::Unreachable);
    assert!(matches!(desk.read(), Answer::Serve(_)), "in backoff there is nothing to wait for");
    let answer = desk.at(7200).say(Event::Read { min_ttl_s: 0, patience: Patience::Spent }).answer.clone();
    let Some(Answer::Unavailable { retry_after_s, failure }) = answer else { panic!("{answer:?}") };
    assert!((1..=5).contains(&retry_after_s) && failure == Some(Failure::Unreachable));
}

#[test]
fn a_report_of_another_value_costs_nothing() {
    let mut desk = Desk::holding(STABLE);
    for value in ["zero", "", "two"] {
        assert!(matches!(desk.at(100).report(value), Answer::Serve(_)));
    }
    assert_eq!(desk.calls.len(), 1);
}

#[test]
fn a_flood_of_reports_of_a_living_token_costs_ever_fewer_probes() {
    let mut desk = Desk::holding(STABLE);
    for second in 100..3700 {
        if desk.at(second).report("one") == Answer::Wait {
            desk.probe(Verdict::Alive);
        }
        assert_eq!(desk.served(), one("one", 1));
    }
    let probes = desk.calls_of(Call::Probe);
    assert_eq!(probes[..6], [100, 130, 190, 310, 550, 850]);
    assert_eq!(probes.len(), 15, "{probes:?}");
}

#[test]
fn a_true_report_that_comes_too_soon_is_not_forgotten() {
    let mut desk = Desk::holding(STABLE);
    desk.at(100).report("one");
    desk.probe(Verdict::Alive);
    assert!(matches!(desk.at(110).report("one"), Answer::Serve(_)));
    desk.at(130).say(Event::Tick);
    assert_eq!(desk.effects.call, Some(Call::Probe));
    desk.probe(Verdict::Dead);
    assert_eq!(desk.effects.call, Some(Call::Refresh));
    desk.issue("two", 7200);
    desk.at(132).report("two");
    desk.at(160).say(Event::Tick);
    assert_eq!(desk.effects.call, Some(Call::Probe), "another value than the one that was checked");
}

#[test]
fn a_caller_who_waits_for_a_check_does_not_ask_for_another() {
    let mut desk = Desk::holding(STABLE);
    assert_eq!(desk.at(100).report("one"), Answer::Wait);
    desk.probe(Verdict::Alive);
    assert!(matches!(desk.at(101).report("one"), Answer::Serve(_)));
    for second in 102..1000 {
        desk.at(second).say(Event::Tick);
    }
    assert_eq!(desk.calls.len(), 2);
}

#[test]
fn a_token_that_wechat_calls_dead_is_replaced() {
    let mut desk = Desk::holding(STABLE);
    assert_eq!(desk.at(100).report("one"), Answer::Wait);
    desk.at(101).probe(Verdict::Dead);
    assert_eq!(desk.effects.call, Some(Call::Refresh), "the normal mode first");
    assert_eq!(desk.served(), None, "a dead token is not handed out");
    assert_eq!(desk.report("one"), Answer::Wait);
    desk.at(102).issue("two", 7200);
    assert_eq!(desk.served(), one("two", 2));
    assert!(matches!(desk.report("one"), Answer::Serve(_)));
}

#[test]
fn a_token_that_comes_back_dead_is_replaced_by_force_within_the_limits() {
    let mut desk = Desk::holding(STABLE);
    desk.at(100).report("one");
    desk.probe(Verdict::Dead);
    for second in 100..3700 {
        desk.at(second).say(Event::Tick);
        while desk.slot.has_call_under_way() {
            desk.issue("one", 7000);
        }
    }
    let forced = desk.calls_of(Call::ForcedRefresh);
    assert!((5..=18).contains(&forced.len()), "{forced:?}");
    assert!(forced.windows(2).all(|pair| pair[1] - pair[0] >= 30), "{forced:?}");
}

#[test]
fn an_unclear_probe_condemns_nobody() {
    let mut desk = Desk::holding(PLAIN);
    desk.at(100).report("one");
    desk.probe(Verdict::Unclear);
    assert_eq!((desk.served(), desk.calls.len()), (one("one", 1), 2));
}
