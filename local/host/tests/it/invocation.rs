//! The request body, byte for byte against the recorded shapes, which the function is tested with
//! too.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bus::{Accepted, Delivery, Message, Properties};
use bytes::Bytes;
use host::app::DataType;
use host::{Envelope, InvocationStamp, encode_invocation};
use serde_json::{Value, json};
use time::macros::datetime;
use uuid::{Uuid, uuid};

const SESSION: &str = "E7DBA502A3B795953DDE76EA965EBBF3";

fn envelope(data_type: DataType) -> Envelope {
    Envelope {
        function: "OrderItemsReserver".to_owned(),
        binding: "order".to_owned(),
        data_type,
        namespace: "sb-petstore.servicebus.windows.net".to_owned(),
        client_id: uuid!("7a1d3c52-0f2e-4a53-9a5e-3c1f0d2b6e11"),
        session_locked_until: Some(datetime!(2026-05-04 09:31:12.345 UTC)),
    }
}

fn stamp() -> InvocationStamp {
    InvocationStamp {
        utc_now: datetime!(2026-05-04 09:30:12.345_678_9 UTC),
        rand_guid: uuid!("0b6c8a0e-6d0c-4a1c-8a3c-5f1b0c9e7d21"),
    }
}

fn delivery(body: impl Into<Bytes>, label: &str) -> Delivery {
    let traced = json!({
        "Diagnostic-Id": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "schemaVersion": 1,
    });
    let properties = Properties {
        message_id: Some("a3f0c2de-5b1c-4b6e-9a51-0d5c6b1f7e42".to_owned()),
        session_id: Some(SESSION.to_owned()),
        correlation_id: Some(SESSION.to_owned()),
        label: Some(label.to_owned()),
        content_type: Some("application/json".to_owned()),
        application: traced.as_object().expect("an object").clone(),
        ..Properties::default()
    };
    Delivery {
        accepted: Accepted {
            sequence: 8412,
            enqueued: datetime!(2026-05-04 09:30:10.123 UTC),
            expires: datetime!(2026-05-18 09:30:10.123 UTC),
            message: Message {
                body: body.into(),
                properties,
                ..Message::default()
            },
        },
        delivery_count: 1,
        lock_token: uuid!("5d9e2a8c-4c55-4d0c-9a30-1f4f1a2b3c4d"),
        locked_until: datetime!(2026-05-04 09:35:11 UTC),
    }
}

fn order(file: &str) -> Bytes {
    let json: Value = serde_json::from_str(file).expect("JSON");
    STANDARD
        .decode(json["Data"]["order"].as_str().expect("text"))
        .expect("base64")
        .into()
}

fn assert_same(encoded: &Bytes, expected: &str) {
    assert_eq!(std::str::from_utf8(encoded).expect("UTF-8"), expected);
}

macro_rules! recorded {
    ($name:literal) => {
        include_str!(concat!("../../../../tests/it/invocations/", $name, ".json"))
    };
}

#[test]
fn a_binary_invocation_is_the_recorded_one() {
    for (expected, label) in [
        (recorded!("single-binary"), "OrderUpdate"),
        (recorded!("single-binary-nulls"), "OrderUpdate"),
        (recorded!("single-binary-spoofed"), "OrderUpdate"),
        (recorded!("single-binary-invalid-utf8"), "OrderUpdate"),
        (recorded!("single-binary-empty"), "OrderUpdate"),
        (recorded!("single-binary-not-json"), "OrderUpdate"),
        (recorded!("single-binary-wrapper"), "OrderUpdate"),
        (recorded!("single-binary-unicode"), "Bestellung für Köln 🐠"),
    ] {
        let delivery = delivery(order(expected), label);
        assert_same(
            &envelope(DataType::Binary).encode(&delivery, &stamp()),
            expected,
        );
    }
}

#[test]
fn an_invocation_of_another_session_is_the_recorded_one() {
    let expected = recorded!("single-binary-2026");
    let mut delivery = delivery(order(expected), "OrderUpdate");
    let properties = &mut delivery.accepted.message.properties;
    let session = Some("68FAE9B1D86B794F0AE0ADD35A437428".to_owned());
    properties.session_id.clone_from(&session);
    properties.correlation_id = session;
    assert_same(
        &envelope(DataType::Binary).encode(&delivery, &stamp()),
        expected,
    );
}

#[test]
fn a_text_invocation_is_the_recorded_one_and_the_body_gets_into_its_metadata() {
    for (body, expected, label) in [
        (
            recorded!("single-binary-nulls"),
            recorded!("single-string"),
            "OrderUpdate",
        ),
        (
            recorded!("single-binary-spoofed"),
            recorded!("single-string-spoofed"),
            "OrderUpdate",
        ),
        (
            recorded!("single-binary-unicode"),
            recorded!("single-string-unicode"),
            "Bestellung für Köln 🐠",
        ),
        (
            recorded!("single-binary-empty"),
            recorded!("single-string-empty"),
            "OrderUpdate",
        ),
    ] {
        let delivery = delivery(order(body), label);
        assert_same(
            &envelope(DataType::String).encode(&delivery, &stamp()),
            expected,
        );
    }
}

#[test]
fn a_redelivery_differs_in_count_lock_and_stamp_only() {
    let expected = recorded!("single-binary-redelivered");
    let again = Delivery {
        delivery_count: 4,
        lock_token: uuid!("c81e1d5f-92b7-4a44-8a0d-3f6f5be0d9a4"),
        ..delivery(order(expected), "OrderUpdate")
    };
    let stamp = InvocationStamp {
        utc_now: datetime!(2026-05-04 09:30:14.876_543_2 UTC),
        rand_guid: uuid!("f2a4c6e8-1b3d-4f57-8a9b-0c1d2e3f4a5b"),
    };
    assert_same(&envelope(DataType::Binary).encode(&again, &stamp), expected);
}

#[test]
fn a_queue_without_sessions_sends_empty_action_objects_and_no_unset_property() {
    let expected = recorded!("single-binary-no-session");
    let mut delivery = delivery(order(expected), "");
    delivery.accepted.message.properties = Properties {
        message_id: Some("a3f0c2de-5b1c-4b6e-9a51-0d5c6b1f7e42".to_owned()),
        ..Properties::default()
    };
    let envelope = Envelope {
        session_locked_until: None,
        ..envelope(DataType::Binary)
    };
    assert_same(&envelope.encode(&delivery, &stamp()), expected);
}

#[test]
fn invalid_text_is_replaced_and_keys_that_end_in_trigger_are_dropped() {
    let mut body = br#"{"myTrigger":1,"name":"k"#.to_vec();
    body.extend_from_slice(&[0xE4, b'"', b'}']);
    let encoded: Value =
        serde_json::from_slice(&encode_invocation(&delivery(body, "x"), DataType::String))
            .expect("JSON");
    assert_eq!(
        encoded["Data"]["order"],
        json!(r#""{\"myTrigger\":1,\"name\":\"k�\"}""#)
    );
    assert_eq!(encoded["Metadata"]["name"], json!("\"k�\""));
    assert_eq!(encoded["Metadata"].get("myTrigger"), None);
    assert_ne!(
        encoded["Metadata"]["sys"]["RandGuid"],
        json!(Uuid::nil().to_string())
    );
}
