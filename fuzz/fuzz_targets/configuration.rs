//! The configuration: APPS and CALLERS as JSON, and the secrets, from one input. Address ranges are part of it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use zhongkong_core::config::{Config, Raw};
use zhongkong_core::secret::Secret;

/// Stands in every secret, and nowhere else.
const MARK: &str = "0123456789abcdef0123456789abcdef";

fuzz_target!(|text: &str| {
    if text.contains("0123456789abcdef") {
        // A name may hold what it likes, and is told.
        return;
    }
    let mut parts = text.split('\u{1}');
    let mut json = || parts.next().map(|part| serde_json::from_str(part).unwrap_or_else(|_| part.into()));
    let (apps, callers) = (json(), json());
    let word = parts.next().unwrap_or_default().to_owned();
    let secret = |name: &str| {
        // Some are there, some are odd, most are sound.
        (name.len() % 7 != 0).then(|| Secret::new(format!("{word}{MARK}")))
    };
    let config = Config::read(&Raw {
        apps,
        callers,
        store: Some(word.clone()).filter(|word| word.len() % 2 == 0),
        secret: &secret,
        to_ascii: &|_| None,
        has_tokens: true,
        has_db: false,
        has_keeper: true,
        has_scheduler: true,
    });
    for fault in &config.faults {
        let told = fault.to_string();
        assert!(!told.contains("0123456789abcdef"), "a fault never shows a value: {told}");
    }
    for ready in config.ready_apps() {
        assert!(ready.app.appid.starts_with("wx") && !ready.app.api_hosts.is_empty());
    }
});
