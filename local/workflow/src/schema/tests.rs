use serde_json::json;

use super::*;

fn verdict(schema: &Value, value: &Value) -> Result<(), String> {
    let schema: Schema = Schema::deserialize(schema).expect("a schema");
    schema.check(value, "")
}

#[test]
fn verdicts_that_the_engines_library_gave() {
    for (schema, value, fits) in [
        (json!({ "type": "integer" }), json!(1.0), true),
        (json!({ "type": "integer" }), json!(1.5), false),
        (json!({ "type": "integer", "enum": [1] }), json!(1.0), false),
        (json!({ "minimum": 0 }), json!(-0.0), true),
        (json!({ "minimum": 0 }), json!(-1), false),
        (json!({ "maxLength": 2 }), json!("🐕🐕"), true),
        (json!({ "maxLength": 2 }), json!("abc"), false),
        (json!({ "pattern": "^[0-9a-f]{2}$" }), json!("ab"), true),
        (json!({ "pattern": "^[0-9a-f]{2}$" }), json!("AB"), false),
        (json!({ "type": ["string", "null"] }), json!(null), true),
        (json!({ "type": ["string", "null"] }), json!(1), false),
    ] {
        assert_eq!(verdict(&schema, &value).is_ok(), fits, "{schema} {value}");
    }
}

#[test]
fn a_complaint_names_the_place() {
    let schema = json!({
        "required": ["a"],
        "additionalProperties": false,
        "oneOf": [{ "required": ["b"] }, { "required": ["c"] }],
        "properties": { "a": { "properties": { "x": { "type": "integer" } } }, "b": {}, "c": {} },
    });
    for (value, complaint) in [
        (json!({}), "a is missing"),
        (json!({ "a": 1, "q": 1 }), "q is not expected"),
        (json!({ "a": { "x": "" } }), "a.x: expected [integer]"),
        (json!({ "a": 1 }), "b is missing, or c is missing"),
        (
            json!({ "a": 1, "b": 1, "c": 1 }),
            "fits more than one of the forms",
        ),
    ] {
        assert_eq!(verdict(&schema, &value).expect_err(complaint), complaint);
    }
}

#[test]
fn an_unknown_keyword_is_refused_by_name() {
    let read =
        serde_json::from_value::<Schema>(json!({ "properties": { "a": { "format": "date" } } }));
    let error = read.expect_err("unknown").to_string();
    assert!(error.contains("format"), "{error}");
}
