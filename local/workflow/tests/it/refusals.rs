//! What a workflow's definition must not have: refused by name and place.

use serde_json::{Value, json};
use testkit::workflow::json_of;
use workflow::Workflow;

/// The definition with `value` at `pointer` is refused: the complaint names the place and has these
/// words.
fn refused(pointer: &str, value: Value, place: &str, words: &str) {
    let vectors = json_of("golden.json");
    let mut definition = json_of("fallback.definition.json");
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    let parent = definition.pointer_mut(parent).expect(pointer);
    let parent = parent.as_object_mut().expect("an object");
    parent.insert(name.to_owned(), value);
    let parameters = vectors["parameters"].as_object().expect("parameters");
    let loaded = Workflow::load(&definition.to_string(), parameters.clone());
    let refusal = loaded.expect_err(pointer).to_string();
    assert!(refusal.contains(&format!(": {place}")), "{refusal}");
    assert!(refusal.contains(words), "{pointer}: {refusal}");
}

#[test]
fn properties_of_the_definition_and_its_trigger() {
    let place = "triggers.manual";
    refused("/extra", json!(1), "the root", "`extra`");
    refused("/outputs/x", json!({}), "outputs", "not supported");
    refused("/triggers/second", json!({}), "triggers", "must be one");
    refused(
        "/triggers/manual/recurrence",
        json!({}),
        place,
        "`recurrence`",
    );
    refused(
        "/triggers/manual/operationOptions",
        json!("X"),
        place,
        "`X`",
    );
    refused(
        "/triggers/manual/inputs/schema/format",
        json!("x"),
        place,
        "`format`",
    );
    let text = json!({ "type": "String" });
    refused(
        "/parameters/more",
        text.clone(),
        "parameters.more",
        "no value",
    );
    refused(
        "/parameters/recipients",
        text,
        "parameters.recipients",
        "no String",
    );
}

#[test]
fn types_and_properties_of_actions() {
    let unknown = "\"Wait\" is not a known type";
    refused(
        "/actions/Wait",
        json!({ "type": "Wait" }),
        "actions.Wait",
        unknown,
    );
    let (at, place) = ("/actions/Send_email", "actions.Send_email");
    refused(
        &format!("{at}/trackedProperties"),
        json!({}),
        place,
        "`trackedProperties`",
    );
    refused(
        &format!("{at}/inputs/queries"),
        json!({}),
        place,
        "`queries`",
    );
    let policy = format!("{at}/inputs/retryPolicy/type");
    refused(&policy, json!("exponential"), place, "`exponential`");
    refused(
        &format!("{at}/limit/timeout"),
        json!("30 s"),
        place,
        "30 s is no duration",
    );
}

#[test]
fn names_and_order_of_actions() {
    let (succeeded, place) = (json!(["Succeeded"]), "actions.Render");
    refused(
        "/actions/Render/runAfter/Nobody",
        succeeded.clone(),
        place,
        "after Nobody",
    );
    refused(
        "/actions/Render/runAfter/Send_email",
        json!(["Done"]),
        place,
        "`Done`",
    );
    let circle = "/actions/Render/runAfter/Send_email";
    refused(circle, succeeded, "actions.Render", "waits for itself");
    refused(
        "/actions/Render/actions/send_EMAIL",
        json!({}),
        "actions",
        "two actions",
    );
}

#[test]
fn functions_and_names_in_expressions() {
    for (expression, words) in [
        ("@nope()", "nope() is not a known function"),
        ("a @{nope()}", "nope() is not a known function"),
        ("@item()", "in a table only"),
        ("@outputs('X')", "no action \"X\""),
        ("@parameters('x')", "no parameter \"x\""),
        ("@body(string('x'))", "written down"),
        ("@triggerBody().a", "only [ can select"),
    ] {
        let pointer = "/actions/Render/actions/Facts/inputs/session";
        refused(
            pointer,
            json!(expression),
            "actions.Render.actions.Facts.inputs",
            words,
        );
    }
}
