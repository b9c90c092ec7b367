use super::*;
use serde_json::json;

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

fn verdict(request: &Value) -> Result<String, String> {
    check(request.to_string().as_bytes())
}

/// The verdict on `request` after `value` was put at `pointer`.
fn with(mut request: Value, pointer: &str, value: Value) -> Result<String, String> {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = request.pointer_mut(parent).unwrap();
    parent
        .as_object_mut()
        .unwrap()
        .insert(name.to_owned(), value);
    verdict(&request)
}

fn without(mut request: Value, pointer: &str) -> Result<String, String> {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = request.pointer_mut(parent).unwrap();
    parent.as_object_mut().unwrap().remove(name).unwrap();
    verdict(&request)
}

#[test]
fn both_forms_pass_and_give_the_id() {
    assert_eq!(verdict(&order()).as_deref(), Ok(ID));
    assert_eq!(verdict(&poison()).as_deref(), Ok(ID));
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
    assert_eq!(refused, Err("extra is unknown at the root".to_owned()));
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
        (without(order(), "/failure/reason"), "failure.reason"),
        (without(order(), "/failure/attempts"), "failure.attempts"),
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
            "order must be an object",
        ),
        (
            with(order(), "/order", json!([])),
            "order must be an object",
        ),
        (
            without(order(), "/order"),
            "exactly one of order and rawBody",
        ),
        (
            with(poison(), "/order", json!({})),
            "exactly one of order and rawBody",
        ),
        (
            with(poison(), "/failure/attempts", json!(4)),
            "failure.attempts must be 0",
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
        (without(poison(), "/rawBody/truncated"), "rawBody.truncated"),
    ];
    for (verdict, named) in table {
        let wrong = verdict.expect_err(named);
        assert!(wrong.contains(named), "{named}: {wrong}");
    }
}

#[test]
fn what_is_no_json_object() {
    for body in ["", "[]", "\"text\"", "{", "\u{FEFF}{}"] {
        assert!(
            check(body.as_bytes())
                .unwrap_err()
                .starts_with("not a JSON object"),
            "{body}"
        );
    }
    assert!(check(b"{\"a\":\"\xFF\"}").is_err());
}
