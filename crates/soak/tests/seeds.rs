//! Seeds that once broke a promise, and the soak's own promises.

use simulator::faults::Kind;
use soak::START;
use soak::run::run;
use soak::scenario::{Disturbance, Scenario, Trouble};

/// Each was found by the soak, and mended in the engine.
#[test]
fn what_was_broken_once() {
    let hour = 3_600_000;
    let upstream = |from, kind, probability| Disturbance {
        from: START + from,
        for_ms: 2 * hour,
        what: Trouble::Upstream(kind, probability),
    };
    let lasting = |from, for_ms, what| Disturbance { from: START + from, for_ms, what };
    let rows = [
        // The first sight of a ticket was rounded down: it was believed a second too long.
        ("rounding", Scenario { disturbances: vec![], ..Scenario::of(0, 3) }),
        // The retry after a lost reply of the plain API fell into the second in which copies with a slow
        // clock were still trusted.
        (
            "slow clocks",
            Scenario { disturbances: vec![upstream(22 * hour, Kind::NoValue, 0.5)], ..Scenario::of(0, 3) },
        ),
        // A ticket's expires_in of 299 began a new life.
        (
            "claims",
            Scenario {
                disturbances: vec![upstream(23 * hour, Kind::ExpiresIn { value: 299.into() }, 0.5)],
                ..Scenario::of(32, 3)
            },
        ),
        // A plain token whose reply claimed 299 s was replaced so soon that the one before the
        // previous died while copies of it were still trusted.
        (
            "born old",
            Scenario {
                disturbances: vec![upstream(22 * hour, Kind::ExpiresIn { value: 299.into() }, 1.0)],
                ..Scenario::of(17, 3)
            },
        ),
        // A forced refresh refused for a minute (45011) closed the ledger for the day.
        (
            "undead",
            Scenario {
                disturbances: vec![
                    upstream(20 * hour, Kind::Errcode { errcode: 45011 }, 0.1),
                    Disturbance {
                        from: START + 20 * hour + 600_000,
                        for_ms: 275_000,
                        what: Trouble::TokenUndead,
                    },
                ],
                ..Scenario::of(133, 3)
            },
        ),
        // The token between the two forced refreshes of a revocation was trusted for its whole life by
        // copies, while the store lost its successor.
        (
            "revoked, and the store loses writes",
            Scenario {
                disturbances: vec![
                    lasting(20 * hour, 2 * hour, Trouble::StoreLoses),
                    lasting(21 * hour, 0, Trouble::Revoke),
                ],
                ..Scenario::of(25, 3)
            },
        ),
        // Two lost replies of a revocation of the plain API left nothing, and the refresh waited for the
        // plan of the token before.
        (
            "revoked, and the replies are lost",
            Scenario {
                disturbances: vec![
                    upstream(20 * hour, Kind::LostBefore, 0.5),
                    lasting(20 * hour + 851_000, 0, Trouble::Revoke),
                ],
                ..Scenario::of(49, 3)
            },
        ),
        ("seed 0", Scenario::of(0, 3)),
        ("seed 7", Scenario::of(7, 3)),
        ("seed 32", Scenario::of(32, 3)),
    ];
    for (name, scenario) in rows {
        if let Err(violation) = run(scenario) {
            panic!("{name}: {violation}");
        }
    }
}

#[test]
fn a_seed_says_everything() {
    let once = run(Scenario::of(5, 2)).map(|tally| format!("{tally:?}"));
    assert_eq!(once, run(Scenario::of(5, 2)).map(|tally| format!("{tally:?}")));
    assert_ne!(once, run(Scenario::of(6, 2)).map(|tally| format!("{tally:?}")));
}

#[test]
fn smaller_scenarios_are_smaller() {
    let scenario = Scenario::of(1, 30);
    for smaller in scenario.smaller() {
        assert!(
            smaller.disturbances.len() < scenario.disturbances.len() || smaller.readers < scenario.readers,
            "{smaller}"
        );
    }
}
