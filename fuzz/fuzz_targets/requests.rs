//! Requests: path, query, key, page URL, stale report, card.

#![no_main]

use libfuzzer_sys::fuzz_target;
use zhongkong_core::credential::Value;
use zhongkong_core::digest::Sha256Digest;
use zhongkong_core::http::route::Route;
use zhongkong_core::http::{bearer, query};
use zhongkong_core::signature::card::Card;
use zhongkong_core::signature::explain::{Claim, Verdict, verdict};
use zhongkong_core::signature::hint::hints;
use zhongkong_core::signature::{HostPattern, PageUrl};

fuzz_target!(|text: &str| {
    if let Some(route) = Route::parse(text) {
        assert!(text.starts_with('/') && !text.ends_with('/') && !text.contains("//"));
        assert!(!route.methods().is_empty());
    }
    for names in [["url", "min_ttl"], ["before", "caller"]] {
        if let Ok(found) = query::parameters(text, names) {
            let length: usize = found.into_iter().flatten().map(|value| value.len()).sum();
            assert!(length <= text.len());
        }
    }
    assert!(text.contains(bearer(text)));
    if let Ok(page) = PageUrl::parse(text) {
        assert!(text.starts_with(page.as_str()) && !page.as_str().contains('#'));
        if let Some(pattern) = HostPattern::parse(page.host()) {
            assert!(pattern.covers(page.host()));
        }
    }
    let _ = hints(text);
    if let (Some(ticket), Some((signature, nonce))) = (Value::parse("ticket"), text.split_once(' ')) {
        let claim = Claim { signature: signature.to_owned(), nonce: nonce.to_owned(), timestamp: 1 };
        assert_eq!(verdict(&ticket, text, None, &claim), Verdict::Unknown, "nobody guesses a signature");
    }
    if let Some(digest) = Sha256Digest::from_hex(text) {
        assert_eq!(String::from(digest), text.to_ascii_lowercase());
    }
    if let Ok(card) = serde_json::from_str::<Card>(text) {
        let _ = card.is_sound();
    }
});
