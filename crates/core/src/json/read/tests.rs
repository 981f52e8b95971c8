//! What is read, beside what serde_json reads.

use super::*;
use crate::json::{Unwritable, write};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Ask {
    Nothing,
    One(Option<u32>),
    Some { app: String, shown: Vec<(Name, u64)> },
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Name(String);

impl TryFrom<String> for Name {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        if text.contains('!') { Err("no name") } else { Ok(Self(text)) }
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Counts {
    up: u64,
    down: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct All {
    text: String,
    is: bool,
    small: u8,
    large: u64,
    below: i64,
    share: f64,
    maybe: Option<i32>,
    asks: Vec<Ask>,
    names: BTreeMap<Name, Vec<u16>>,
    #[serde(default)]
    counts: Counts,
    #[serde(default)]
    list: Vec<String>,
    any: Value,
}

fn ask() -> impl Strategy<Value = Ask> {
    prop_oneof![
        Just(Ask::Nothing),
        any::<Option<u32>>().prop_map(Ask::One),
        (".*", proptest::collection::vec(("[^!]*", any::<u64>()), 0..4)).prop_map(|(app, shown)| {
            Ask::Some { app, shown: shown.into_iter().map(|(name, number)| (Name(name), number)).collect() }
        }),
    ]
}

prop_compose! {
    fn all()(
        (text, is, small, large) in (".*", any::<bool>(), any::<u8>(), any::<u64>()),
        (below, share, maybe) in (any::<i64>(), (-1_000_000..1_000_000).prop_map(|whole| f64::from(whole) / 64.0), any::<Option<i32>>()),
        asks in proptest::collection::vec(ask(), 0..4),
        names in proptest::collection::btree_map("[^!]*".prop_map(Name), proptest::collection::vec(any::<u16>(), 0..3), 0..3),
        (up, down) in any::<(u64, i64)>(),
        list in proptest::collection::vec(".*", 0..3),
    ) -> All {
        let any = json!({"text": text, "list": [1, -2, 0.5, null, true]});
        All { text, is, small, large, below, share, maybe, asks, names, counts: Counts { up, down }, list, any }
    }
}

proptest! {
    #[test]
    fn what_serde_writes_is_read(all in all()) {
        let text = serde_json::to_string(&all).unwrap();
        prop_assert_eq!(read::<All>(&text), Ok(all.clone()));
        prop_assert_eq!(read_exactly::<All>(&text), Ok(all));
    }

    /// What is written says what serde_json would say; with a fraction it is not written at all.
    #[test]
    fn it_is_written_like_serde_json_writes_it(all in all()) {
        prop_assert_eq!(write(&all), Err(Unwritable));
        let All { text, is, small, large, below, maybe, asks, names, counts, list, .. } = all;
        let whole = (text, (is, small, large, below, maybe), asks, names, counts, list);
        let written: Value = serde_json::from_str(&write(&whole).unwrap()).unwrap();
        prop_assert_eq!(written, serde_json::to_value(&whole).unwrap());
    }

    /// With one member taken out, or another one in its place, it is read like serde_json reads it.
    #[test]
    fn it_agrees_with_serde_json(all in all(), place in 0_usize..12, other in prop_oneof![
        Just(None), Just(Some(json!(null))), Just(Some(json!(-1))), Just(Some(json!(300))), Just(Some(json!(1.5))), Just(Some(json!("x!"))),
        Just(Some(json!([]))), Just(Some(json!({}))), Just(Some(json!([["a", 1]]))), Just(Some(json!({"a!": [1]}))), Just(Some(json!({"up": 7}))),
        Just(Some(json!(["nothing", "else"]))), Just(Some(json!([{"one": 7}, {"one": null}, {"some": {"app": "a", "shown": [["b", 2]]}}]))),
    ]) {
        let mut tree = serde_json::to_value(&all).unwrap();
        let object = tree.as_object_mut().unwrap();
        let name = object.keys().nth(place).unwrap().clone();
        match other {
            None => drop(object.remove(&name)),
            Some(other) => drop(object.insert(name.clone(), other)),
        }
        // serde_json takes a list of fields for a struct; here a struct is an object.
        prop_assume!(!(name == "counts" && tree["counts"].is_array()));
        let text = tree.to_string();
        prop_assert_eq!(read::<All>(&text).ok(), serde_json::from_str::<All>(&text).ok());
    }

    #[test]
    fn nothing_makes_it_panic(text in ".*") {
        let _ = (read::<All>(&text), read_exactly::<Ask>(&text), tree(&text));
    }
}

#[test]
fn fields_without_a_place_are_left_out_or_refused() {
    let text = r#"{"up": 7, "left": 1}"#;
    assert_eq!(read::<Counts>(text), Ok(Counts { up: 7, down: 0 }));
    assert_eq!(read_exactly::<Counts>(text), Err(Unreadable));
    assert_eq!(
        read_exactly::<Vec<Counts>>(r#"[{"down": -1}, {"left": 1}]"#),
        Err(Unreadable),
        "all the way down"
    );
    assert_eq!(read::<Counts>("[7, 0]"), Err(Unreadable), "a struct is an object");
}

#[test]
fn a_name_that_stands_twice_is_refused_where_somebody_else_has_written_it() {
    for twice in [r#"{"up": 7, "up": 7}"#, r#"{"up": 7, "\u0075p": 8}"#] {
        assert_eq!(read_exactly::<Counts>(twice), Err(Unreadable), "{twice}");
        assert!(read::<Counts>(twice).is_ok(), "{twice}");
    }
    let below = r#"[{"any": [{"a": 1, "b": {"c": null, "c": true}}]}]"#;
    assert_eq!(read_exactly::<Value>(below), Err(Unreadable));
    assert!(read_exactly::<Value>(r#"[{"a": {"a": [1.5, -1, "a", "a"]}}, {"a": false}]"#).is_ok());
}

#[test]
fn tuples_have_their_length() {
    assert_eq!(read::<(u8, String)>(r#"[1, "a"]"#), Ok((1, "a".to_owned())));
    for wrong in ["[1]", r#"[1, "a", 2]"#, "{}", "null"] {
        assert_eq!(read::<(u8, String)>(wrong), Err(Unreadable), "{wrong}");
    }
}

#[test]
fn an_error_quotes_nothing() {
    let error = read::<Name>("\"secret!\"").unwrap_err();
    assert_eq!(error.to_string(), "this JSON is not of the form that was expected");
}
