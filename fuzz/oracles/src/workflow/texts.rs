//! Templates and expressions, one for each line of the input, in a definition that is right
//! otherwise.

use serde_json::{Map, Value, json};
use workflow::Workflow;

use super::bounded;

/// As many lines make a definition; each may use the results of those before it.
const LINES_MAX: usize = 40;

/// The longest text that a literal is made of: an expression has an end of its own at 8192
/// characters.
const LITERAL_MAX: usize = 1000;

pub(super) fn check(text: &str) {
    run_lines(text);
    check_fixed(text);
    check_literal(text);
    check_json(text);
}

/// Whatever the lines are, the definition is refused by name, or it runs.
fn run_lines(text: &str) {
    let mut actions = Map::new();
    let mut last: Option<String> = None;
    for (number, line) in text.lines().take(LINES_MAX).enumerate() {
        let run_after = match last {
            Some(last) => json!({ last: ["Succeeded", "Failed", "Skipped"] }),
            None => json!({}),
        };
        let name = format!("l{number}");
        let inputs = serde_json::from_str(line).unwrap_or_else(|_| Value::from(line));
        actions.insert(
            name.clone(),
            json!({"type": "Compose", "runAfter": run_after, "inputs": inputs}),
        );
        last = Some(name);
    }
    if let Ok(workflow) = load(&Value::Object(actions)) {
        bounded(&workflow, &json!({"text": text, "list": [1, 2.5, null]}));
    }
}

/// A text whose `@` are doubled, as the language wants it, stays the text it was.
fn check_fixed(text: &str) {
    let escaped = match text.strip_prefix('@') {
        Some(_) => format!("@{text}"),
        None => text.replace("@{", "@@{"),
    };
    assert_eq!(
        answer(&Value::from(escaped), &json!({})),
        Some(Value::from(text))
    );
}

/// A literal within an expression is the text between its quotes.
fn check_literal(text: &str) {
    if text.len() > LITERAL_MAX {
        return;
    }
    let quoted = text.replace('\'', "''");
    for (template, expected) in [
        (format!("@concat('{quoted}')"), text.to_owned()),
        (format!("<@{{'{quoted}'}}>"), format!("<{text}>")),
        (
            format!("@if(equals('{quoted}', triggerBody()), 'same', 'other')"),
            "same".to_owned(),
        ),
    ] {
        let found = answer(&Value::from(template), &Value::from(text));
        assert_eq!(found, Some(Value::from(expected)));
    }
}

/// JSON written by the language is read by it as the same value, and a value that is handed on
/// whole stays whole.
fn check_json(text: &str) {
    let Ok(value) = serde_json::from_str::<Value>(text) else {
        return;
    };
    let whole = answer(&json!("@triggerBody()"), &value);
    assert_eq!(whole.as_ref(), Some(&value));
    if value.is_object() || value.is_array() {
        let again = answer(&json!("@json(string(triggerBody()))"), &value);
        assert_eq!(again, Some(value));
    }
}

/// The body of the response made of `template`; `None` when there is no response.
fn answer(template: &Value, body: &Value) -> Option<Value> {
    let respond = json!({"respond": {
        "type": "Response", "kind": "Http", "runAfter": {},
        "inputs": {"statusCode": 200, "body": template},
    }});
    let workflow = load(&respond).unwrap_or_else(|refused| panic!("{refused}: {template}"));
    let response = bounded(&workflow, body).response;
    response.map(|response| response.body)
}

fn load(actions: &Value) -> Result<Workflow, workflow::DefinitionRefused> {
    let definition = json!({
        "$schema": "", "contentVersion": "1.0.0.0", "parameters": {}, "actions": actions,
        "triggers": {"manual": {
            "type": "Request", "kind": "Http", "operationOptions": "EnableSchemaValidation",
            "inputs": {"method": "POST", "schema": {}},
        }},
    });
    Workflow::load(&definition.to_string(), Map::new())
}
