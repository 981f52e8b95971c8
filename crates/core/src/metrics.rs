//! The state of the centre in the text format of Prometheus (exposition format 0.0.4).
//!
//! In scope: names, help and labels of the metrics. Out of scope: gathering what they show.

use crate::alert::Incident;
use crate::app::AppName;
use crate::credential::Credential;
use crate::engine::Status;
use crate::tally::Count;
use crate::time::UnixTime;
use core::fmt::Display;
use std::collections::BTreeMap;

/// One app, as its Keeper shows it.
pub struct Shown<'a> {
    /// Its name.
    pub app: &'a AppName,
    /// Whether its settings are sound.
    pub configured: bool,
    /// What the Keeper has said; `None` when it did not answer, or was not asked.
    pub kept: Option<Kept<'a>>,
}

/// What a Keeper says.
pub struct Kept<'a> {
    /// Its credentials.
    pub credentials: &'a BTreeMap<Credential, Status>,
    /// The incidents that are going on.
    pub incidents: &'a [Incident],
    /// Alerts that wait to be delivered.
    pub alerts_waiting: usize,
    /// Since the Keeper's beginning.
    pub counts: &'a [Count],
}

/// Everything that is shown.
pub struct Centre<'a> {
    /// Faults of the configuration that concern whoever asks.
    pub faults: usize,
    /// When the cron last ran, where that is known.
    pub last_tick_at: Option<UnixTime>,
    /// Whether the cron has found settings that are missing or wrong.
    pub misconfigured: bool,
    /// Alerts about the configuration that wait to be delivered.
    pub alerts_waiting: usize,
    /// The apps that whoever asks may see.
    pub apps: &'a [Shown<'a>],
}

/// The text for `Content-Type: text/plain; version=0.0.4`.
pub fn render(centre: &Centre<'_>, now: UnixTime) -> String {
    let mut page = Page(String::new());
    page.of_centre(centre);
    page.of_apps(centre);
    let kept: Vec<(&AppName, &Kept<'_>)> =
        centre.apps.iter().filter_map(|shown| Some((shown.app, shown.kept.as_ref()?))).collect();
    page.of_credentials(&kept, now);
    page.of_quotas(&kept);
    page.of_counts(&kept);
    page.0
}

struct Page(String);

impl Page {
    /// Begins a metric.
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        self.0.push_str(&format!("# HELP zhongkong_{name} {help}\n# TYPE zhongkong_{name} {kind}\n"));
    }

    /// One sample of it.
    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let written: Vec<String> =
            labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
        let labels = if written.is_empty() { String::new() } else { format!("{{{}}}", written.join(",")) };
        self.0.push_str(&format!("zhongkong_{name}{labels} {value}\n"));
    }

    fn of_centre(&mut self, centre: &Centre<'_>) {
        self.head(
            "configuration_faults",
            "gauge",
            "Settings that are missing or wrong, as far as this key may know of them.",
        );
        self.sample("configuration_faults", &[], centre.faults);
        if let Some(at) = centre.last_tick_at {
            self.head("cron_last_tick_timestamp_seconds", "gauge", "When the cron trigger last ran.");
            self.sample("cron_last_tick_timestamp_seconds", &[], at.as_secs());
        }
    }

    fn of_apps(&mut self, centre: &Centre<'_>) {
        let apps = centre.apps;
        self.head("app_configured", "gauge", "Whether the settings of the app are sound.");
        for shown in apps {
            self.sample("app_configured", &[("app", shown.app.as_str())], u8::from(shown.configured));
        }
        self.head("keeper_up", "gauge", "Whether the Keeper of the app has answered.");
        for shown in apps.iter().filter(|shown| shown.configured) {
            self.sample("keeper_up", &[("app", shown.app.as_str())], u8::from(shown.kept.is_some()));
        }
        self.head(
            "incident_open",
            "gauge",
            "Whether an incident of this kind is going on; misconfigured belongs to no app.",
        );
        self.sample(
            "incident_open",
            &[("app", ""), ("incident", Incident::Misconfigured.name())],
            u8::from(centre.misconfigured),
        );
        for (app, kept) in apps.iter().filter_map(|shown| Some((shown.app, shown.kept.as_ref()?))) {
            for incident in Incident::ALL.into_iter().filter(|incident| *incident != Incident::Misconfigured)
            {
                let open = kept.incidents.contains(&incident);
                self.sample(
                    "incident_open",
                    &[("app", app.as_str()), ("incident", incident.name())],
                    u8::from(open),
                );
            }
        }
        self.head(
            "alerts_waiting",
            "gauge",
            "Alerts that wait to be delivered; those about the configuration belong to no app.",
        );
        self.sample("alerts_waiting", &[("app", "")], centre.alerts_waiting);
        for (app, kept) in apps.iter().filter_map(|shown| Some((shown.app, shown.kept.as_ref()?))) {
            self.sample("alerts_waiting", &[("app", app.as_str())], kept.alerts_waiting);
        }
    }

    fn of_credentials(&mut self, kept: &[(&AppName, &Kept<'_>)], now: UnixTime) {
        type Gauge = (&'static str, &'static str, fn(&Status, UnixTime) -> Option<u64>);
        const GAUGES: [Gauge; 7] = [
            (
                "credential_expiry_seconds",
                "Seconds for which the credential may still be handed out; 0 when there is none.",
                |status, _| Some(status.expires_in),
            ),
            ("credential_age_seconds", "Seconds since the value came.", |status, now| {
                Some(status.rotated_at?.until(now))
            }),
            ("credential_version", "Version of the value; it only grows.", |status, _| Some(status.version)),
            ("credential_age_known", "Tickets: whether the age of the value is known.", |status, _| {
                Some(u64::from(status.age_known))
            }),
            ("next_refresh_timestamp_seconds", "When WeChat is asked next.", |status, _| {
                Some(status.next_refresh_at?.as_secs())
            }),
            ("last_success_timestamp_seconds", "When WeChat last answered with a value.", |status, _| {
                Some(status.last_success_at?.as_secs())
            }),
            ("refresh_failures_in_a_row", "Failed attempts since the last success.", |status, _| {
                Some(status.trouble.as_ref().map_or(0, |trouble| u64::from(trouble.count)))
            }),
        ];
        for (name, help, value) in GAUGES {
            self.head(name, "gauge", help);
            for (app, kept) in kept {
                for (credential, status) in kept.credentials {
                    if let Some(value) = value(status, now) {
                        self.sample(name, &[("app", app.as_str()), ("credential", credential.name())], value);
                    }
                }
            }
        }
    }

    fn of_quotas(&mut self, kept: &[(&AppName, &Kept<'_>)]) {
        let mut rows = Vec::new();
        for (app, kept) in kept {
            for (credential, status) in kept.credentials {
                let calls = &status.calls;
                let mut kinds = vec![("refresh", calls.refreshes)];
                if *credential == Credential::AccessToken {
                    kinds.extend([("forced_refresh", calls.forced), ("probe", calls.probes)]);
                }
                rows.extend(
                    kinds.into_iter().map(|(call, count)| (app.as_str(), credential.name(), call, count)),
                );
            }
        }
        let quota = "calls of this kind today, which ends at midnight in Beijing.";
        for (name, help, value) in [
            ("upstream_calls_today", format!("Made {quota}"), 0),
            ("upstream_quota", format!("The centre's own limit for {quota}"), 1),
            ("upstream_quota_left", format!("Left of the limit for {quota}"), 2),
        ] {
            self.head(name, "gauge", &help);
            for (app, credential, call, count) in &rows {
                let value = match value {
                    0 => count.used,
                    1 => count.limit,
                    _ => count.limit.saturating_sub(count.used),
                };
                self.sample(name, &[("app", app), ("credential", credential), ("call", call)], value);
            }
        }
    }

    fn of_counts(&mut self, kept: &[(&AppName, &Kept<'_>)]) {
        type Counter =
            (&'static str, &'static str, fn(&Count) -> bool, fn(&Count) -> Vec<(&'static str, &str)>);
        const COUNTERS: [Counter; 6] = [
            ("upstream_calls_total", "Calls to WeChat for credentials.", Count::is_call, |count| {
                vec![("credential", &count.credential), ("call", &count.what)]
            }),
            (
                "rotations_total",
                "New values.",
                |count| count.is_refresh() && count.outcome == "rotated",
                |count| vec![("credential", &count.credential)],
            ),
            (
                "refreshes_total",
                "Calls that brought a value, new or not.",
                |count| count.is_refresh() && !count.is_failure(),
                |count| vec![("credential", &count.credential), ("outcome", &count.outcome)],
            ),
            ("refresh_failures_total", "Attempts that brought none, by class.", Count::is_failure, |count| {
                vec![("credential", &count.credential), ("class", &count.outcome)]
            }),
            (
                "reports_total",
                "Reports that a value is dead, by what came of them.",
                |count| count.what == "report",
                |count| vec![("credential", &count.credential), ("result", &count.outcome)],
            ),
            (
                "reads_total",
                "Values handed out or used for a caller, by where they came from.",
                |count| count.what == "read",
                |count| vec![("source", &count.outcome)],
            ),
        ];
        for (name, help, counts, labels) in COUNTERS {
            self.head(name, "counter", help);
            for (app, kept) in kept {
                // Counts that differ in what is no label here are one.
                let mut sums: BTreeMap<Vec<(&str, &str)>, u64> = BTreeMap::new();
                for count in kept.counts.iter().filter(|count| counts(count)) {
                    *sums.entry(labels(count)).or_default() += count.count;
                }
                for (labels, sum) in sums {
                    let labels: Vec<_> = [("app", app.as_str())].into_iter().chain(labels).collect();
                    self.sample(name, &labels, sum);
                }
            }
        }
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Slot;
    use crate::providers::wechat::policy::STABLE;

    const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

    fn count(what: &str, outcome: &str, count: u64) -> Count {
        Count {
            what: what.to_owned(),
            credential: "access_token".to_owned(),
            outcome: outcome.to_owned(),
            count,
        }
    }

    #[test]
    fn each_sample_stands_under_its_head_with_its_labels() {
        let app = AppName::parse("shop").unwrap();
        let credentials =
            BTreeMap::from_iter([(Credential::AccessToken, Slot::default().status(&STABLE, NOW))]);
        let counts = [
            count("refresh", "rotated", 3),
            count("refresh", "operator", 2),
            count("refresh", "no_token", 9),
            count("forced_refresh", "rotated", 1),
            Count { credential: String::new(), ..count("read", "memory", 40) },
        ];
        let incidents = [Incident::QuotaLow];
        let kept =
            Kept { credentials: &credentials, incidents: &incidents, alerts_waiting: 1, counts: &counts };
        let apps = [Shown { app: &app, configured: true, kept: Some(kept) }];
        let text = render(
            &Centre {
                faults: 0,
                last_tick_at: Some(NOW),
                misconfigured: true,
                alerts_waiting: 0,
                apps: &apps,
            },
            NOW,
        );
        for line in [
            "# TYPE zhongkong_credential_expiry_seconds gauge",
            "zhongkong_credential_expiry_seconds{app=\"shop\",credential=\"access_token\"} 0",
            "zhongkong_upstream_quota_left{app=\"shop\",credential=\"access_token\",call=\"refresh\"} 10000",
            "zhongkong_upstream_calls_total{app=\"shop\",credential=\"access_token\",call=\"refresh\"} 5",
            "zhongkong_rotations_total{app=\"shop\",credential=\"access_token\"} 4",
            "zhongkong_refresh_failures_total{app=\"shop\",credential=\"access_token\",class=\"operator\"} 2",
            "zhongkong_reads_total{app=\"shop\",source=\"memory\"} 40",
            "zhongkong_incident_open{app=\"shop\",incident=\"quota_low\"} 1",
            "zhongkong_incident_open{app=\"shop\",incident=\"refresh_failing\"} 0",
            "zhongkong_cron_last_tick_timestamp_seconds 1800000000",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        let mut heads: Vec<&str> = text.lines().filter(|line| line.starts_with("# TYPE")).collect();
        let count = heads.len();
        heads.dedup();
        assert_eq!(heads.len(), count);
    }

    #[test]
    fn an_app_whose_keeper_is_silent_is_shown_as_such() {
        let app = AppName::parse("shop").unwrap();
        let apps = [Shown { app: &app, configured: true, kept: None }];
        let text = render(
            &Centre { faults: 1, last_tick_at: None, misconfigured: false, alerts_waiting: 2, apps: &apps },
            NOW,
        );
        assert!(text.contains("zhongkong_keeper_up{app=\"shop\"} 0\n"), "{text}");
        assert!(!text.contains("credential_expiry_seconds{"), "{text}");
        assert_eq!(escaped("a\"b\\c\n"), "a\\\"b\\\\c\\n");
    }
}
