//! The fallback request, version 2: what the trigger of the workflow in infra/ takes.

use serde_json::{Value, json};
use testkit::workflow::read;
use workflow::Schema;

const ID: &str = "6ba7b814-9dad-51d1-80b4-00c04fd430c8";

fn order() -> Value {
    let product = json!({ "id": "8", "name": "Scratcher", "quantity": "2" });
    json!({
        "schemaVersion": 2,
        "operationId": ID,
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "body": {
            "encoding": "base64",
            "data": "e30=",
            "length": 2,
            "fileName": "E7DB.json",
            "contentType": "application/json",
        },
        "shown": {
            "customer": null,
            "productList": "whole",
            "products": [product],
            "text": "{}",
            "textIsCut": false,
        },
        "failure": {
            "kind": "contradictory",
            "reason": "upload could not be confirmed: 503 ServerBusy",
            "attempts": 4,
            "sessionId": "E7DB",
            "blobName": "E7DB.json",
            "messageId": "m-1",
            "sequenceNumber": 8412,
            "deliveryCount": 1,
            "enqueuedTime": "2026-05-04T09:30:10Z",
            "stored": { "sequenceNumber": 8413, "enqueuedTime": "2026-05-04T09:30:00Z" },
            "putCommand": "order-items-ops orders put ./E7DB.json",
            "showCommand": "order-items-ops orders show --body -- E7DB",
        },
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
fn every_kind_passes() {
    for kind in ["notConfirmed", "contradictory", "unreadable"] {
        assert_eq!(with(order(), "/failure/kind", json!(kind)), Ok(()));
    }
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
        "stored",
        "putCommand",
        "showCommand",
    ] {
        let pointer = format!("/failure/{name}");
        assert!(without(order(), &pointer).is_ok(), "{name}");
        assert!(with(order(), &pointer, Value::Null).is_ok(), "{name}");
        assert!(with(order(), &pointer, json!([])).is_err(), "{name}");
    }
}

#[test]
fn failure_is_open_and_all_else_is_closed() {
    assert!(with(order(), "/failure/extra", json!(1)).is_ok());
    for pointer in [
        "/extra",
        "/body/extra",
        "/shown/extra",
        "/shown/products/0/extra",
    ] {
        let refused = with(order(), pointer, json!(1)).expect_err(pointer);
        assert!(refused.ends_with("extra is not expected"), "{refused}");
    }
}

#[test]
fn what_is_refused_is_named() {
    let table = [
        (without(order(), "/schemaVersion"), "schemaVersion"),
        (with(order(), "/schemaVersion", json!(1)), "schemaVersion"),
        (with(order(), "/schemaVersion", json!("2")), "schemaVersion"),
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
        (with(order(), "/failure/kind", json!("x")), "failure.kind"),
    ];
    all_named(table);
}

#[test]
fn what_is_refused_of_the_body_and_of_what_is_shown_is_named() {
    let table = [
        (without(order(), "/body"), "body is missing"),
        (
            with(order(), "/body", Value::Null),
            "body: expected [object]",
        ),
        (
            with(order(), "/body", json!("{}")),
            "body: expected [object]",
        ),
        (
            with(order(), "/body/encoding", json!("utf-8")),
            "body.encoding",
        ),
        (with(order(), "/body/data", json!("{}")), "body.data"),
        (
            with(order(), "/body/data", json!("a".repeat(5_592_409))),
            "body.data",
        ),
        (with(order(), "/body/length", json!(-1)), "body.length"),
        (
            with(order(), "/body/fileName", json!("../a.json")),
            "body.fileName",
        ),
        (
            with(order(), "/body/fileName", json!("a.exe")),
            "body.fileName",
        ),
        (
            with(order(), "/body/contentType", json!("text/html")),
            "body.contentType",
        ),
        (
            with(order(), "/shown/products", json!({})),
            "shown.products: expected [array]",
        ),
        (
            with(order(), "/shown/products/0/id", json!(8)),
            "shown.products[0].id: expected [string]",
        ),
        (
            without(order(), "/shown/products/0/name"),
            "shown.products[0]: name is missing",
        ),
    ];
    all_named(table);
}

fn all_named<const N: usize>(table: [(Result<(), String>, &str); N]) {
    for (verdict, named) in table {
        let wrong = verdict.expect_err(named);
        assert!(wrong.contains(named), "{named}: {wrong}");
    }
}
