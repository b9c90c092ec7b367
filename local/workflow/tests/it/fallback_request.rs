//! The fallback request, version 1: what the trigger of the workflow in infra/ takes.

use serde_json::{Value, json};
use testkit::workflow::read;
use workflow::Schema;

const ID: &str = "6ba7b814-9dad-51d1-80b4-00c04fd430c8";

fn order() -> Value {
    json!({
        "schemaVersion": 1,
        "operationId": ID,
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "order": { "id": "E7DB", "products": [] },
        "failure": {
            "reason": "upload could not be confirmed: 503 ServerBusy",
            "attempts": 4,
            "sessionId": "E7DB",
            "blobName": "E7DB.json",
            "messageId": "m-1",
            "sequenceNumber": 8412,
            "deliveryCount": 1,
            "enqueuedTime": "2026-05-04T09:30:10Z",
        },
    })
}

fn poison() -> Value {
    json!({
        "schemaVersion": 1,
        "operationId": ID,
        "rawBody": { "encoding": "utf-8", "data": "not json", "length": 8, "truncated": false },
        "failure": { "reason": "the order is not JSON", "attempts": 0 },
    })
}

fn verdict(request: &Value) -> Result<(), String> {
    let schema = Schema::of_trigger(&read("fallback.definition.json")).expect("a schema");
    schema.accepts(request)
}

/// The verdict on `request` after `value` was put at `pointer`.
fn with(mut request: Value, pointer: &str, value: Value) -> Result<(), String> {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = request.pointer_mut(parent).unwrap();
    parent
        .as_object_mut()
        .unwrap()
        .insert(name.to_owned(), value);
    verdict(&request)
}

fn without(mut request: Value, pointer: &str) -> Result<(), String> {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = request.pointer_mut(parent).unwrap();
    parent.as_object_mut().unwrap().remove(name).unwrap();
    verdict(&request)
}

#[test]
fn both_forms_pass() {
    assert_eq!(verdict(&order()), Ok(()));
    assert_eq!(verdict(&poison()), Ok(()));
}

#[test]
fn what_is_optional_may_be_null_or_missing() {
    assert!(without(order(), "/traceparent").is_ok());
    assert!(with(order(), "/traceparent", Value::Null).is_ok());
    for name in [
        "sessionId",
        "blobName",
        "messageId",
        "sequenceNumber",
        "deliveryCount",
        "enqueuedTime",
    ] {
        let pointer = format!("/failure/{name}");
        assert!(without(order(), &pointer).is_ok(), "{name}");
        assert!(with(order(), &pointer, Value::Null).is_ok(), "{name}");
        assert!(with(order(), &pointer, json!([])).is_err(), "{name}");
    }
}

#[test]
fn order_and_failure_are_open_and_the_root_is_closed() {
    assert!(with(order(), "/order/extra", json!(1)).is_ok());
    assert!(with(order(), "/failure/extra", json!(1)).is_ok());
    let refused = with(order(), "/extra", json!(1));
    assert_eq!(refused, Err("extra is not expected".to_owned()));
}

#[test]
fn what_is_refused_is_named() {
    let table = [
        (without(order(), "/schemaVersion"), "schemaVersion"),
        (with(order(), "/schemaVersion", json!(2)), "schemaVersion"),
        (with(order(), "/schemaVersion", json!("1")), "schemaVersion"),
        (without(order(), "/operationId"), "operationId"),
        (
            with(order(), "/operationId", json!(ID.to_uppercase())),
            "operationId",
        ),
        (
            with(order(), "/operationId", json!(ID.replace('-', ""))),
            "operationId",
        ),
        (with(order(), "/traceparent", json!(1)), "traceparent"),
        (without(order(), "/failure"), "failure"),
        (
            without(order(), "/failure/reason"),
            "failure: reason is missing",
        ),
        (
            without(order(), "/failure/attempts"),
            "failure: attempts is missing",
        ),
        (
            with(order(), "/failure/attempts", json!(-1)),
            "failure.attempts",
        ),
        (
            with(order(), "/failure/attempts", json!(4.5)),
            "failure.attempts",
        ),
        (
            with(order(), "/order", Value::Null),
            "order: expected [object]",
        ),
        (
            with(order(), "/order", json!([])),
            "order: expected [object]",
        ),
        (
            without(order(), "/order"),
            "order is missing, or rawBody is missing",
        ),
        (
            with(poison(), "/order", json!({})),
            "fits more than one of the forms",
        ),
        (
            with(poison(), "/rawBody/encoding", json!("latin-1")),
            "rawBody.encoding",
        ),
        (
            with(poison(), "/rawBody/data", json!("a".repeat(349_529))),
            "rawBody.data",
        ),
        (
            with(poison(), "/rawBody/length", json!(-1)),
            "rawBody.length",
        ),
        (
            without(poison(), "/rawBody/truncated"),
            "rawBody: truncated is missing",
        ),
    ];
    for (verdict, named) in table {
        let wrong = verdict.expect_err(named);
        assert!(wrong.contains(named), "{named}: {wrong}");
    }
}

/// No schema of this form can say it: that a message is refused without an upload is the sender's
/// promise, and the function's tests hold it.
#[test]
fn attempts_beside_a_raw_body_are_not_looked_at() {
    assert_eq!(with(poison(), "/failure/attempts", json!(4)), Ok(()));
}
