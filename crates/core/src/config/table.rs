//! Reads one table of settings field by field, noting every fault on the way.

use super::fault::{Fault, Place};
use serde_json::{Map, Value as Json};

/// A table like `APPS.shop`, and the place where its faults belong.
pub(super) struct Table<'a> {
    path: String,
    place: Place,
    fields: &'a Map<String, Json>,
    faults: &'a mut Vec<Fault>,
    sound: bool,
}

impl<'a> Table<'a> {
    pub(super) const fn new(
        path: String,
        place: Place,
        fields: &'a Map<String, Json>,
        faults: &'a mut Vec<Fault>,
    ) -> Self {
        Self { path, place, fields, faults, sound: true }
    }

    /// Notes a fault of the field `name`.
    pub(super) fn fault(&mut self, name: &str, problem: &str, fix: &str) {
        let setting = format!("{}.{name}", self.path);
        self.fault_of(setting, problem, fix);
    }

    /// Notes a fault of another setting that belongs to this table, a secret for instance.
    pub(super) fn fault_of(&mut self, setting: String, problem: &str, fix: &str) {
        self.sound = false;
        self.faults.push(Fault::new(self.place.clone(), setting, problem, fix));
    }

    /// Whether no fault was noted so far.
    pub(super) const fn is_sound(&self) -> bool {
        self.sound
    }

    /// Refuses fields that nobody reads: a misspelt setting is not to be passed over in silence.
    pub(super) fn knows(&mut self, known: &[&str]) {
        for name in self.fields.keys().filter(|name| !known.contains(&name.as_str())) {
            // What stands where a name should be may be a secret, if it is long or odd.
            let looks_like_a_name =
                name.len() <= 24 && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            let shown = if looks_like_a_name { name.as_str() } else { "(a field with an odd name)" };
            let fix = if name.contains("secret") || name.contains("key") {
                "secrets do not belong into wrangler.toml: use `wrangler secret put`, and change this one, because it \
                 has been in a file"
                    .to_owned()
            } else {
                format!("known are {}", known.join(", "))
            };
            self.fault(shown, "is no setting", &fix);
        }
    }

    /// A text; `None` when it is absent or, with a fault noted, something else.
    pub(super) fn text(&mut self, name: &str) -> Option<&'a str> {
        match self.fields.get(name) {
            None => None,
            Some(Json::String(text)) => Some(text),
            Some(_) => {
                self.fault(name, "is not a text", "put it in quotes");
                None
            }
        }
    }

    /// One of several words, `default` when absent.
    pub(super) fn choice<T: Copy>(&mut self, name: &str, words: &[(&str, T)], default: T) -> T {
        let Some(text) = self.text(name) else { return default };
        words.iter().find(|(word, _)| *word == text).map_or_else(
            || {
                let known: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
                self.fault(name, "is not one of the known words", &format!("use {}", known.join(" or ")));
                default
            },
            |&(_, value)| value,
        )
    }

    /// A whole number in a range; `None` when it is absent or, with a fault noted, out of it.
    pub(super) fn number(&mut self, name: &str, range: core::ops::RangeInclusive<u64>) -> Option<u64> {
        let json = self.fields.get(name)?;
        let number = json.as_u64().filter(|number| range.contains(number));
        if number.is_none() {
            let fix = format!("give a whole number from {} to {}", range.start(), range.end());
            self.fault(name, "is out of range", &fix);
        }
        number
    }

    /// A list of texts, each read by `read`; what cannot be read is noted and left out. `None`
    /// when the field is absent.
    pub(super) fn list<T: PartialEq>(
        &mut self,
        name: &str,
        fix: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<Vec<T>> {
        let json = self.fields.get(name)?;
        let Some(items) = json.as_array() else {
            self.fault(name, "is not a list", "write it as [\"…\", \"…\"]");
            return Some(Vec::new());
        };
        let mut values = Vec::new();
        for (index, item) in items.iter().enumerate() {
            match item.as_str().and_then(&read) {
                Some(value) if values.contains(&value) => {
                    self.fault(&format!("{name}[{index}]"), "is there twice", "leave one out");
                }
                Some(value) => values.push(value),
                None => self.fault(&format!("{name}[{index}]"), "is not understood", fix),
            }
        }
        Some(values)
    }
}

/// The tables below a var like `APPS`, or a fault if there are none.
pub(super) fn tables<'a>(
    var: &str,
    example: &str,
    json: Option<&'a Json>,
    faults: &mut Vec<Fault>,
) -> Vec<(&'a str, &'a Map<String, Json>)> {
    let (problem, fix) = match json {
        None => ("is missing", format!("add a table {example} to wrangler.toml")),
        Some(Json::Object(map)) if map.is_empty() => {
            ("is empty", format!("add a table {example} to wrangler.toml"))
        }
        Some(Json::Object(map)) => {
            let mut found = Vec::new();
            for (name, table) in map {
                match table {
                    Json::Object(fields) if crate::app::is_short_name(name) => {
                        found.push((name.as_str(), fields));
                    }
                    Json::Object(_) => faults.push(Fault::new(
                        Place::Entry,
                        format!("{var} (an entry)"),
                        "has a name that cannot be used",
                        "names are 1 to 32 of a-z, 0-9 and -",
                    )),
                    _ => faults.push(Fault::new(
                        Place::Entry,
                        format!("{var} (an entry)"),
                        "is not a table",
                        format!("write it as {example}"),
                    )),
                }
            }
            return found;
        }
        Some(_) => ("is not a table", format!("write it as {example}")),
    };
    faults.push(Fault::centre(var, problem, fix));
    Vec::new()
}
