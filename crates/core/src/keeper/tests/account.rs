//! One credential at the model of a provider.

use crate::engine::{OldValue, Repeat, RotationPolicy};
use std::collections::BTreeSet;

const LIFE_S: u64 = 7_200;

#[derive(Clone)]
pub(super) struct Live {
    pub(super) value: String,
    pub(super) born_ms: u64,
    pub(super) dies_ms: u64,
}

/// One credential at the provider. The newest value stands last.
#[derive(Clone, Default)]
pub(super) struct Account {
    pub(super) values: Vec<Live>,
    pub(super) serial: u64,
    pub(super) refresh_token: Option<String>,
    pub(super) used: u64,
    pub(super) calls: u64,
    /// Values that were ended before their time.
    pub(super) killed: BTreeSet<String>,
}

impl Account {
    pub(super) fn lives(&self, value: &str, now_ms: u64) -> bool {
        self.values.iter().any(|live| live.value == value && now_ms < live.dies_ms)
    }

    /// What the policy says that asking brings.
    pub(super) fn ask(&mut self, policy: &RotationPolicy, now_ms: u64) -> (String, u64) {
        let life_ms = LIFE_S * 1000;
        let current = self.values.last_mut().filter(|live| now_ms < live.dies_ms);
        let same = match (policy.repeat, current) {
            (Repeat::Same { early_window_s }, Some(live))
                if live.dies_ms - now_ms > early_window_s * 1000 =>
            {
                Some(live)
            }
            (Repeat::Slides { cap_s }, Some(live)) => {
                let cap_ms = cap_s.map_or(u64::MAX, |cap_s| live.born_ms + cap_s * 1000);
                live.dies_ms = (now_ms + life_ms).min(cap_ms);
                Some(live)
            }
            _ => None,
        };
        if let Some(live) = same {
            // Times are rounded down; what is nearly dead is said to have a second.
            return (live.value.clone(), ((live.dies_ms - now_ms) / 1000).max(1));
        }
        if let OldValue::Lives { for_s } = policy.old {
            let newest = self.values.len().saturating_sub(1);
            for (place, live) in self.values.iter_mut().enumerate() {
                let left_ms = if place == newest { for_s * 1000 } else { 0 };
                live.dies_ms = live.dies_ms.min(now_ms + left_ms);
            }
        }
        self.serial += 1;
        let value = format!("value-{}", self.serial);
        self.values.push(Live { value: value.clone(), born_ms: now_ms, dies_ms: now_ms + life_ms });
        (value, LIFE_S)
    }
}
