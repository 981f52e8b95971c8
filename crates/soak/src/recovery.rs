//! How soon after an outage readers are served again, by kind of trouble; and what a day without an answer costs.

use crate::check::Violation;
use crate::run::run;
use crate::scenario::Scenario;
use crate::tally::Tally;
use simulator::faults::Kind;

/// What can be wrong with everything upstream at once, with its name, and whether that is no answer of WeChat's own.
pub fn kinds() -> Vec<(&'static str, bool, Kind)> {
    vec![
        ("connection reset", true, Kind::Reset),
        ("request lost", true, Kind::LostBefore),
        ("reply lost", true, Kind::LostAfter),
        ("reply 20 s late", true, Kind::Delay { ms: 20_000 }),
        ("reply cut off", true, Kind::Truncated),
        ("empty reply", true, Kind::Empty),
        ("no value in the reply", true, Kind::NoValue),
        ("HTTP 502", false, Kind::Html { status: 502, done: false }),
        ("errcode -1", false, Kind::Errcode { errcode: -1 }),
        ("errcode 45011", false, Kind::Errcode { errcode: 45011 }),
    ]
}

/// Outages of this kind and length, with these seeds.
///
/// # Errors
/// The first broken promise.
pub fn outages(kind: &Kind, minutes: u64, seeds: u64) -> Result<Tally, Violation> {
    let mut total = Tally::default();
    for seed in 0..seeds {
        total.add(run(Scenario::outage(seed, kind.clone(), minutes))?);
    }
    Ok(total)
}

/// The value below which this number of hundredths of them lie, in seconds.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "far below 2^53")]
pub fn percentile(sorted_ms: &[u64], hundredths: usize) -> f64 {
    let place = (sorted_ms.len() * hundredths / 100).min(sorted_ms.len().saturating_sub(1));
    sorted_ms.get(place).map_or(0.0, |ms| *ms as f64 / 1000.0)
}
