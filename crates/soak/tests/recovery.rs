//! With nothing left to serve and readers that ask, service is back within seconds of WeChat's return.

#![allow(clippy::unwrap_used, reason = "a test: a fault here ends it")]

use soak::recovery::{kinds, outages, percentile};

#[test]
fn readers_are_served_again_within_seconds() {
    let (mut unanswered, mut refused) = (Vec::new(), Vec::new());
    for (_, is_transport, kind) in kinds() {
        let found = outages(&kind, 140, 3).unwrap();
        assert_eq!(found.back_after.len(), 4, "each kind of credential had died");
        let all = if is_transport { &mut unanswered } else { &mut refused };
        all.extend(found.back_after.into_values().flatten());
    }
    unanswered.sort_unstable();
    refused.sort_unstable();
    let times = |of: &[u64]| (percentile(of, 50), percentile(of, 100));
    let (median, longest) = times(&unanswered);
    assert!(median <= 6.0 && longest <= 15.0, "not answered, or not by WeChat: {median} {longest}");
    let (_, longest) = times(&refused);
    assert!(longest <= 32.0, "refused for a while: {longest}");
}
