//! What is written, beside what serde_json writes.

use super::*;
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;

#[test]
fn a_text_is_as_short_as_it_can_be() {
    let tree = json!({"b": [1, -1, u64::MAX, i64::MIN, null, true, "中 \"\\\n\u{1}"], "a": {}, "c": []});
    let written =
        r#"{"a":{},"b":[1,-1,18446744073709551615,-9223372036854775808,null,true,"中 \"\\\n\u0001"],"c":[]}"#;
    assert_eq!(write(&tree), Ok(written.to_owned()));
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Unit,
    Newtype(Option<u8>),
    Tuple(i8, &'static str),
    Struct { a: u8, b: Vec<Self> },
}

#[derive(Serialize)]
#[serde(tag = "kind")]
enum Tagged {
    Unit,
    Struct {
        #[serde(skip_serializing_if = "Option::is_none")]
        left: Option<u8>,
        #[serde(rename = "named")]
        kept: char,
    },
}

#[derive(Serialize)]
struct Pair(u8, ());

#[test]
fn every_kind_of_type_is_written_like_serde_json_writes_it() {
    let inner = vec![Kind::Unit, Kind::Newtype(None), Kind::Tuple(-1, "x"), Kind::Struct { a: 1, b: vec![] }];
    let all = (
        Kind::Struct { a: 7, b: inner },
        [
            Tagged::Unit,
            Tagged::Struct { left: None, kept: '中' },
            Tagged::Struct { left: Some(1), kept: '"' },
        ],
        Pair(1, ()),
        BTreeMap::from([("a", Kind::Unit), ("b", Kind::Newtype(Some(2)))]),
    );
    assert_eq!(write(&all).unwrap(), serde_json::to_string(&all).unwrap());
}

#[test]
fn what_has_no_text_is_refused() {
    assert_eq!((write(&0.5), write(&json!([0.5]))), (Err(Unwritable), Err(Unwritable)));
    assert_eq!(write(&BTreeMap::from([(1, 2)])), Err(Unwritable));
    assert_eq!(write(&BTreeMap::from([([1], 2)])), Err(Unwritable));
}
