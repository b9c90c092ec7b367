//! What `local.settings.json` may look like, and what it then means: `cases/local-settings.json`.
//!
//! Two readers are held against it: the local host's, which stands in for Core Tools, and the
//! operator's. They share no code, for nothing of the product may be in the local stack and nothing
//! of that in the product; so they share what they have to agree on.

use std::collections::BTreeMap;

use serde_json::Value;

/// A file, and what a reader makes of it.
#[derive(Debug)]
pub struct Case {
    pub what: String,
    pub file: String,
    /// The values, or words of the refusal.
    pub expected: Result<BTreeMap<String, String>, String>,
}

impl Case {
    /// Fails unless this is what the case wants. A refusal may not quote what the file holds.
    pub fn assert<E: std::fmt::Display>(&self, read: Result<BTreeMap<String, String>, E>) {
        let Self { what, expected, .. } = self;
        match (read.map_err(|error| error.to_string()), expected) {
            (Ok(values), Ok(wanted)) => assert_eq!(values, *wanted, "{what}"),
            (Err(said), Err(words)) => {
                assert!(said.contains(words.as_str()), "{what}: {said}");
                assert!(!said.contains("hush"), "{what}: {said}");
            }
            (read, _) => panic!("{what}: {read:?}, expected {expected:?}"),
        }
    }
}

pub fn cases() -> Vec<Case> {
    let cases: Vec<Value> =
        serde_json::from_str(include_str!("../cases/local-settings.json")).expect("the cases");
    let text = |case: &Value, key: &str| case[key].as_str().map(str::to_owned);
    let case = |case: Value| Case {
        what: text(&case, "what").expect("what it is"),
        file: text(&case, "file").expect("a file"),
        expected: match text(&case, "refused") {
            Some(words) => Err(words),
            None => Ok(serde_json::from_value(case["values"].clone()).expect("values")),
        },
    };
    cases.into_iter().map(case).collect()
}
