use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::evaluate::Budget;

fn value(given: Value) -> Value {
    let (nothing, none, no_outcomes) = (Value::Null, Map::new(), BTreeMap::new());
    let known = Known {
        body: &nothing,
        workflow: &nothing,
        parameters: &none,
        outcomes: &no_outcomes,
        item: None,
        budget: &Budget::new(),
    };
    let template = Template::parse(given).expect("a template");
    template.value(&known).expect("a value")
}

#[test]
fn at_signs_as_the_engine_reads_them() {
    for (given, expected) in [
        ("x", json!("x")),
        ("", json!("")),
        ("@", json!("@")),
        ("@@", json!("@")),
        ("@@x", json!("@x")),
        ("@@@x", json!("@@x")),
        ("@@{x}", json!("@{x}")),
        ("@@{'x'}@{'y'}", json!("@{'x'}@{'y'}")),
        ("@{'y'}@@{'x'}", json!("y@{'x'}")),
        ("a@{'b'}c", json!("abc")),
        ("a@@{'b'}c", json!("a@{'b'}c")),
        ("a@@b", json!("a@@b")),
        ("x@y", json!("x@y")),
        ("@{'a'}@{'b'}", json!("ab")),
        ("@{'a'} }", json!("a }")),
        ("@{'a'}{}", json!("a{}")),
        ("@{'y'}@z", json!("y@z")),
        ("@{ 1.50 }", json!("1.5")),
        ("@1.50", json!(1.5)),
        ("@null", json!(null)),
        ("@{null}", json!("")),
        ("@{true}", json!("True")),
        ("@{concat('a', '@{1}')}", json!("a@{1}")),
        ("@concat('@@','x')", json!("@@x")),
        ("}", json!("}")),
    ] {
        assert_eq!(value(given.into()), expected, "{given}");
    }
}

#[test]
fn texts_inside_lists_and_objects_are_templates_and_keys_are_not() {
    let given = json!({ "@x": ["@{'a'}b", 1, null], "y": { "z": "@json('[1]')" } });
    let expected = json!({ "@x": ["ab", 1, null], "y": { "z": [1] } });
    assert_eq!(value(given), expected);
}

#[test]
fn what_is_no_template() {
    for wrong in [
        "@{}",
        "@{'a'",
        "a@{",
        "@{'a}",
        "@{@{'a'}}",
        "@concat('a')@{'b'}",
        "@(1)",
        "@[1]",
        "@a",
    ] {
        assert!(Template::parse(wrong.into()).is_err(), "{wrong}");
    }
}
