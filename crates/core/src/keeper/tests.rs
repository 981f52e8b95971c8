//! The machine with a provider that is none: rotation policies of every kind are held to the invariants, so that the next
//! providers are configuration.

mod account;
mod model;

use super::*;
use crate::credential::TicketType;
use crate::engine::{Check, Class, Lead, LifeRule, Limits, OldValue, Repeat, RotationPolicy};
use crate::protocol::Ask;
use model::Run;
use proptest::prelude::*;

const TOKEN: Credential = Credential::AccessToken;
const CHILD: Credential = Credential::Ticket(TicketType::Jsapi);

/// Codes of the model: a dead parent, and a provider that is busy.
fn class_of(code: i64) -> Class {
    if code == 1 { Class::DeadToken } else { Class::Soon }
}

const LIMITS: Limits = Limits {
    refreshes: 2_000,
    probes: 400,
    forced: 0,
    forced_for_revoking: 0,
    forced_apart_s: 60,
    day_offset_s: 0,
};

/// The same value until its end, and nothing can be had before that (企业微信).
const SAME: RotationPolicy = RotationPolicy {
    repeat: Repeat::Same { early_window_s: 0 },
    life: LifeRule::Stated,
    longest_s: 90_000,
    old: OldValue::LivesOn,
    check: Check::AskAgain { apart_s: 30 },
    lead: Lead { ahead_s: 0, again_s: 1 },
    limits: LIMITS,
    class_of,
};

/// A new value in the last half hour; the old one lives to its own end (飞书).
const LIVES_ON: RotationPolicy = RotationPolicy {
    repeat: Repeat::Same { early_window_s: 1_800 },
    lead: Lead { ahead_s: 1_790, again_s: 15 },
    ..SAME
};

/// Asking lengthens its life, for a day (钉钉).
const SLIDES: RotationPolicy = RotationPolicy {
    repeat: Repeat::Slides { cap_s: Some(86_400) },
    lead: Lead { ahead_s: 600, again_s: 60 },
    ..SAME
};

/// A new value each time; the one before lives 300 s (第三方平台).
const NEW: RotationPolicy = RotationPolicy {
    repeat: Repeat::New,
    old: OldValue::Lives { for_s: 300 },
    check: Check::Probe,
    lead: Lead { ahead_s: 1_800, again_s: 600 },
    ..SAME
};

const POLICIES: [RotationPolicy; 4] = [SAME, LIVES_ON, SLIDES, NEW];

/// What happens in a run.
#[derive(Clone, Debug)]
enum Op {
    Wait(u64),
    Read(bool),
    /// The instance is killed after this number of effects of the next input.
    Kill(usize),
    /// No call is answered for this number of seconds.
    Outage(u64),
    /// The provider ends a value before its time, and a caller reports it.
    EarlyDeath(bool),
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        4 => (1_u64..4_000).prop_map(Op::Wait),
        6 => any::<bool>().prop_map(Op::Read),
        1 => (0_usize..6).prop_map(Op::Kill),
        1 => (1_u64..9_000).prop_map(Op::Outage),
        1 => any::<bool>().prop_map(Op::EarlyDeath),
    ];
    prop::collection::vec(op, 1..60)
}

fn run(policies: [RotationPolicy; 2], has_refresh_token: bool, ops: Vec<Op>) -> Run {
    let mut run = Run::new(policies, has_refresh_token);
    for op in ops {
        match op {
            Op::Wait(seconds) => run.wait(seconds),
            Op::Read(child) => drop(run.read(if child { CHILD } else { TOKEN })),
            // A reply that was not committed is lost, and what came with it: nothing can be done about that.
            Op::Kill(after) => run.kill_after = Some(if has_refresh_token { after + 2 } else { after }),
            Op::Outage(_) if has_refresh_token => {}
            Op::Outage(seconds) => run.outage(seconds),
            Op::EarlyDeath(child) => run.early_death(if child { CHILD } else { TOKEN }),
        }
    }
    run
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Whatever happens: nothing dead is handed out, one call at a time, no quota is spent by a loop (all of that is looked
    /// at by the run itself), and an hour later everything is there.
    #[test]
    fn every_policy_keeps_the_invariants(parent in 0_usize..4, child in 0_usize..4, ops in ops()) {
        let mut run = run([POLICIES[parent], POLICIES[child]], false, ops);
        run.wait(3_600);
        prop_assert!(run.read(TOKEN).is_some(), "the parent is back");
        prop_assert!(run.read(CHILD).is_some(), "and its child");
    }

    /// Invariant 16: each refresh token is good once, and the newest is always the one that is sent, through all kills.
    #[test]
    fn no_returned_refresh_token_is_lost(parent in 0_usize..4, ops in ops()) {
        let mut run = run([POLICIES[parent], NEW], true, ops);
        run.wait_for(CHILD, 30);
        run.wait(8_000);
        prop_assert!(run.read(CHILD).is_some() && run.refresh_tokens_used() > 0);
    }
}

#[test]
fn near_the_end_a_reader_is_held_for_the_one_fetch_that_brings_the_next_value() {
    let mut run = Run::new([SAME, SAME], false);
    let first = run.read(TOKEN).unwrap();
    run.wait_until(first.expires_at.as_secs() + 1);
    let asked = run.calls(TOKEN);
    let next = run.read(TOKEN).unwrap();
    assert!(next.version > first.version, "it has waited for the next one");
    assert_eq!(run.calls(TOKEN) - asked, 1, "and that took one call");
}

#[test]
fn a_value_that_slides_is_kept_alive_until_its_cap() {
    let mut run = Run::new([SLIDES, SAME], false);
    let first = run.read(TOKEN).unwrap();
    run.wait(80_000);
    assert_eq!(run.read(TOKEN).unwrap().value, first.value);
    run.wait(7_000);
    assert_ne!(run.read(TOKEN).unwrap().value, first.value);
}

#[test]
fn a_refresh_token_is_committed_before_anything_leaves_the_keeper() {
    let mut run = Run::new([NEW, NEW], true);
    run.read(CHILD).unwrap();
    assert_eq!(run.effects_after_reply(CHILD).first(), Some(&"commit"), "the commit comes first");
    // Killed right after the commit, the next instance sends the new one.
    run.kill_after = Some(2);
    run.wait(20_000);
    assert!(run.read(CHILD).is_some());
}

#[test]
fn a_child_is_fetched_the_moment_that_its_parent_is_back() {
    let mut run = Run::new([LIVES_ON, SAME], false);
    assert!(run.read(CHILD).is_some());
    run.outage(12_000);
    run.wait_for(TOKEN, 15);
    assert!(run.read(CHILD).is_some(), "no pause of its own");
}

#[test]
fn questions_about_what_is_not_kept_are_refused() {
    let mut run = Run::new([SAME, SAME], false);
    let credential = Credential::Ticket(TicketType::Sdk);
    assert!(run.ask(Ask::Read { credential, min_ttl_s: 0, shown: None }).is_err());
}
