//! What SDKs send to the façade: paths, fields, queries of business calls, tokens; and the patterns that bound them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use zhongkong_core::access::{Callers, Origin};
use zhongkong_core::credential::Value;
use zhongkong_core::facade::business::BusinessQuery;
use zhongkong_core::facade::{Fields, PathPattern, Target, virtual_token};
use zhongkong_core::seal::Sealer;
use zhongkong_core::secret::Secret;

fuzz_target!(|text: &str| {
    if let Some(Target::Business(path)) = Target::parse(text) {
        assert!(path.starts_with('/') && !path.contains("..") && !path.contains("//"));
        assert!(path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-_.".contains(&b)));
        assert_eq!(Target::parse(&path), Some(Target::Business(path.clone())), "read twice, it is the same");
        if let Some(pattern) = PathPattern::parse(&path) {
            assert!(pattern.covers(&path));
        }
    }
    let (query, body) = text.split_once('\u{1}').unwrap_or((text, ""));
    let _ = Fields::read(query, body.as_bytes());
    let path = "/cgi-bin/user/get";
    if let (Ok(read), Some(token)) = (BusinessQuery::read(path, query), Value::parse("87_real")) {
        let sent = read.with_token(path, &token);
        assert_eq!(sent.matches("access_token=").count(), 1 + query_values_with(query));
        assert!(sent.ends_with("access_token=87_real"));
    }
    let key = Secret::new("YW5vdGhlci1zZWFsLWtleS0wMTIzNDU2Nzg5YWJjZGU=".to_owned());
    if let Ok(sealer) = Sealer::new(&key) {
        assert!(virtual_token::read(&sealer, &Callers::default(), text).is_none());
    }
    if let Some(origin) = Origin::parse(text) {
        assert_eq!(origin.as_str(), text);
    }
});

/// How often the words stand inside other names or values, which are left as they are.
fn query_values_with(query: &str) -> usize {
    let others =
        query.split('&').filter(|pair| !pair.is_empty() && pair.split('=').next() != Some("access_token"));
    others.map(|pair| pair.matches("access_token=").count()).sum()
}
