//! Counts of what has happened to an app, for metrics and plots.
//!
//! In scope: which [`Line`] of the history counts as what. Every line counts once, so that a count is as true as the
//! history, and lives longer than it.
//! Out of scope: where counts are kept (the Keeper's SQLite), and how they are shown ([`crate::metrics`]).

use crate::credential::Credential;
use crate::history::{Action, Kind, Line};
use crate::providers::wechat::errcode::{Endpoint, classify};
use serde::{Deserialize, Serialize};

/// How often something has happened. In words: after a deployment was rolled back there may be some that this one
/// does not know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// `refresh`, `forced_refresh`, `probe`, `knock` (calls to WeChat), `report`, or `read`.
    pub what: String,
    /// The credential; empty where it does not matter.
    pub credential: String,
    /// What came of it: `rotated`, `unchanged`, `alive`, `dead`, …; the class of a failure; where a read was served from.
    pub outcome: String,
    /// How often.
    pub count: u64,
}

/// Where a read was served from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The isolate's own copy.
    Memory,
    /// KV or D1.
    Store,
    /// The Keeper.
    Keeper,
}

impl Source {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Memory, Self::Store, Self::Keeper];

    /// The name in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Store => "store",
            Self::Keeper => "keeper",
        }
    }
}

/// Reads by their [`Source`], in the order of [`Source::ALL`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reads([u64; 3]);

impl Reads {
    /// One more.
    pub const fn note(&mut self, source: Source) {
        let Self([memory, store, keeper]) = self;
        *match source {
            Source::Memory => memory,
            Source::Store => store,
            Source::Keeper => keeper,
        } += 1;
    }

    /// These as well.
    pub fn add(&mut self, more: Self) {
        for (ours, more) in self.0.iter_mut().zip(more.0) {
            *ours += more;
        }
    }

    /// As counts; those that are 0 are left out.
    pub fn counts(self) -> impl Iterator<Item = Count> {
        Source::ALL.into_iter().zip(self.0).filter(|(_, count)| *count > 0).map(|(source, count)| Count {
            what: "read".to_owned(),
            credential: String::new(),
            outcome: source.name().to_owned(),
            count,
        })
    }
}

impl Count {
    /// What a line counts as; `None` for one that is not counted.
    pub fn of(line: &Line) -> Option<Self> {
        let calls = [Action::Refresh, Action::ForcedRefresh, Action::Probe, Action::Knock];
        let counted =
            line.kind == Kind::Report || (line.kind == Kind::Upkeep && calls.contains(&line.action));
        counted.then(|| Self {
            what: line.action.name().to_owned(),
            credential: line.credential.map_or("", Credential::name).to_owned(),
            outcome: outcome(line),
            count: line.count,
        })
    }

    /// Whether it is about a call that may bring a credential.
    pub fn is_refresh(&self) -> bool {
        matches!(self.what.as_str(), "refresh" | "forced_refresh")
    }

    /// Whether something was sent to WeChat.
    pub fn is_call(&self) -> bool {
        (self.is_refresh() || matches!(self.what.as_str(), "probe" | "knock")) && self.outcome != "no_token"
    }

    /// Whether a call that may bring a credential brought none.
    pub fn is_failure(&self) -> bool {
        self.is_refresh() && !matches!(self.outcome.as_str(), "rotated" | "unchanged")
    }
}

/// A refusal is told by what it asks of us: there are many errcodes, and few classes.
fn outcome(line: &Line) -> String {
    match (line.errcode, line.credential) {
        (Some(errcode), Some(credential)) => classify(Endpoint::of(credential), errcode).name().to_owned(),
        _ => line.result.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Deed;
    use crate::time::UnixTime;

    fn count(deed: &Deed<'_>) -> Option<(String, String, String)> {
        let counted = Count::of(&Line::new(deed, UnixTime::from_secs(1_800_000_000)))?;
        assert_eq!(counted.count, 1);
        Some((counted.what, counted.credential, counted.outcome))
    }

    #[test]
    fn calls_and_reports_are_counted_and_nothing_else() {
        let token = Some(Credential::AccessToken);
        let row = |what: &str, outcome: &str| {
            Some((what.to_owned(), "access_token".to_owned(), outcome.to_owned()))
        };
        let refresh = Deed::of_keeper(Action::Refresh, token, "rotated");
        assert_eq!(count(&refresh), row("refresh", "rotated"));
        let refused = Deed { errcode: Some(40164), ..Deed::of_keeper(Action::Refresh, token, "refused") };
        assert_eq!(count(&refused), row("refresh", "operator"));
        assert_eq!(count(&Deed::of_keeper(Action::Probe, token, "dead")), row("probe", "dead"));
        let report = Deed::of_caller(Some("web"), Action::Report, token, Ok("current"), None);
        assert_eq!(count(&report), row("report", "current"));
        assert_eq!(count(&Deed::of_keeper(Action::Alert, token, "failing")), None);
        assert_eq!(count(&Deed::of_caller(Some("web"), Action::Read, token, Ok("ok"), None)), None);
    }

    #[test]
    fn reads_are_counted_by_source() {
        let mut reads = Reads::default();
        reads.note(Source::Memory);
        reads.add(Reads([2, 0, 5]));
        let counts: Vec<_> = reads.counts().map(|count| (count.outcome, count.count)).collect();
        assert_eq!(counts, [("memory".to_owned(), 3), ("keeper".to_owned(), 5)]);
    }
}
