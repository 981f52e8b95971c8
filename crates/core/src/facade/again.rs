//! SDKs whose token has died ask for one again, without a word about the dead one. Who asks twice within
//! seconds for what it has already is taken to report it.

use crate::app::AppName;
use crate::credential::Version;
use std::collections::BTreeMap;

/// Asking again so soon is a report.
const SOON_MS: u64 = 10_000;

/// Reports of one caller are so far apart, and twice as far each time that the token has proved alive: it
/// may just have many processes. The engine has pauses of its own.
const APART_MS: u64 = 30_000;
const APART_LONGEST_MS: u64 = 480_000;

/// So many callers and apps are remembered.
const MOST: usize = 1_000;

/// Who was handed which version last, in this isolate.
#[derive(Clone, Debug, Default)]
pub struct AskedAgain(BTreeMap<(String, AppName), Last>);

#[derive(Clone, Debug)]
struct Last {
    version: Version,
    at_ms: u64,
    reported_ms: Option<u64>,
    /// How often this version was reported.
    reports: u32,
}

impl AskedAgain {
    /// Whether it is a report that the token of `app` has died when `caller` asks for it and would get this version.
    pub fn is_report(&self, caller: &str, app: &AppName, version: Version, now_ms: u64) -> bool {
        // A key of two owned texts: asked for by those who have asked before, within seconds.
        self.0.get(&(caller.to_owned(), app.clone())).is_some_and(|last| last.is_report(version, now_ms))
    }

    /// Notes that `caller` asks for the token of `app` and would get this version; says whether that is
    /// a report that it has died.
    pub fn note(&mut self, caller: &str, app: &AppName, version: Version, now_ms: u64) -> bool {
        if self.0.len() >= MOST {
            self.0.retain(|_, last| now_ms.saturating_sub(last.at_ms) < APART_MS);
        }
        if self.0.len() >= MOST {
            self.0.clear();
        }
        let last = self.0.entry((caller.to_owned(), app.clone()));
        let last = last.or_insert(Last { version: Version::NONE, at_ms: 0, reported_ms: None, reports: 0 });
        let is_report = last.is_report(version, now_ms);
        if last.version != version {
            last.reports = 0;
        }
        (last.version, last.at_ms) = (version, now_ms);
        if is_report {
            last.reported_ms = Some(now_ms);
            last.reports += 1;
        }
        is_report
    }
}

impl Last {
    /// Whether asking for this version now is a report: soon after the last time, and long enough after the last report.
    fn is_report(&self, version: Version, now_ms: u64) -> bool {
        let again = self.version == version && now_ms.saturating_sub(self.at_ms) <= SOON_MS;
        let apart_ms = (APART_MS << self.reports.saturating_sub(1).min(4)).min(APART_LONGEST_MS);
        again && self.reported_ms.is_none_or(|at| now_ms.saturating_sub(at) >= apart_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: u64 = 1_800_000_000_000;

    fn shop() -> AppName {
        AppName::parse("shop").unwrap()
    }

    #[test]
    fn asking_twice_for_the_same_is_a_report_and_then_there_is_a_pause() {
        let mut asked = AskedAgain::default();
        let mut at = |ms, version| asked.note("web", &shop(), Version::new(version), T0 + ms);
        assert!(!at(0, 1));
        assert!(at(9_000, 1));
        assert!(!at(9_100, 1), "just reported");
        assert!(!at(38_999, 1), "and long ago asked");
        assert!(at(39_000, 1));
        assert!(!at(70_000, 1) && !at(75_000, 1), "it has proved alive: twice the pause");
        assert!(!at(98_000, 1) && at(99_000, 1));
        assert!(!at(99_500, 2), "it got another one");
        assert!(!at(160_000, 2), "and comes back in its own time");
    }

    #[test]
    fn callers_and_apps_are_told_apart_within_bounds() {
        let mut asked = AskedAgain::default();
        assert!(!asked.note("web", &shop(), Version::new(1), T0));
        assert!(!asked.note("job", &shop(), Version::new(1), T0));
        assert!(!asked.note("web", &AppName::parse("other").unwrap(), Version::new(1), T0));
        for n in 0..5_000 {
            asked.note(&format!("caller{n}"), &shop(), Version::new(1), T0);
        }
        assert!(asked.0.len() <= MOST);
    }
}
