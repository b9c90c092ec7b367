//! The host's wire format: what each form of a request means, and what cannot be meant.

mod batches;
pub(crate) mod doubles;
mod replies;

use std::collections::BTreeSet;
use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use order_items_reserver::invocation;
use order_items_reserver::invocation::{Invocation, InvocationError};
use order_items_reserver::order::{Delivery, Order, SequenceNumber};
use proptest::prelude::*;
use serde_json::{Value, json};

const RECORDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/invocations");

const SESSION: &str = "E7DBA502A3B795953DDE76EA965EBBF3";
const MESSAGE_ID: &str = "a3f0c2de-5b1c-4b6e-9a51-0d5c6b1f7e42";
const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

const CART: &str = r#"{"id":"E7DBA502A3B795953DDE76EA965EBBF3","products":[{"id":8,"name":"Scratcher","photoURL":"https://raw.githubusercontent.com/chtrembl/staticcontent/master/cat-toys/scratcher.jpg?raw=true","quantity":2},{"id":11,"name":"All Sizes Fish Food","photoURL":"https://raw.githubusercontent.com/chtrembl/staticcontent/master/fish-food/fish.jpg?raw=true","quantity":3}],"complete":false}"#;
const NULLS: &str = r#"{"id":"E7DBA502A3B795953DDE76EA965EBBF3","email":null,"products":[{"id":8,"quantity":2,"name":"Scratcher","photoURL":"https://raw.githubusercontent.com/chtrembl/staticcontent/master/cat-toys/scratcher.jpg?raw=true"},{"id":11,"quantity":1,"name":null,"photoURL":null}],"shipDate":null,"tags":null,"status":null,"complete":false}"#;
const MODEL_2026: &str = r#"{"id":"68FAE9B1D86B794F0AE0ADD35A437428","email":null,"products":[{"id":1,"quantity":2,"name":"Ball","photoURL":"https://raw.githubusercontent.com/chtrembl/staticcontent/master/dog-toys/ball.jpg?raw=true"}],"status":"placed","complete":false}"#;
const WRAPPED: &str = r#"{"sessionId":"E7DBA502A3B795953DDE76EA965EBBF3","payload":"{\"id\":\"E7DBA502A3B795953DDE76EA965EBBF3\",\"products\":[{\"id\":8,\"quantity\":1}],\"complete\":false}"}"#;
const SPOOFED: &str = r#"{"id":"E7DBA502A3B795953DDE76EA965EBBF3","sessionId":"00000000000000000000000000000BAD","sequenceNumber":1,"deliveryCount":99,"products":[{"id":8,"quantity":2}],"complete":false}"#;
const UNICODE: &str = r#"{"id":"E7DBA502A3B795953DDE76EA965EBBF3","email":"käufer@köln.example","products":[{"id":3,"name":"Plüschlamm 🐑 aus Köln","photoURL":"https://raw.githubusercontent.com/chtrembl/staticcontent/master/dog-toys/plush-lamb.jpg?raw=true","quantity":1},{"id":11,"name":"Fischfutter für alle Größen 🐠","photoURL":"https://raw.githubusercontent.com/chtrembl/staticcontent/master/fish-food/fish.jpg?raw=true","quantity":2}],"complete":false}"#;
const NOT_JSON: &str = "Order(id=E7DBA502A3B795953DDE76EA965EBBF3, products=[Product(id=8, quantity=2, name=Scratcher)], complete=false)";
const LATIN_1: &[u8] = b"{\"id\":\"E7DBA502A3B795953DDE76EA965EBBF3\",\"email\":\"k\xe4ufer@k\xf6ln.example\",\"products\":[{\"id\":8,\"quantity\":2}],\"complete\":false}";

/// What a delivery says of its message, in a form that can be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Read {
    body: Vec<u8>,
    message_id: Option<String>,
    session_id: Option<String>,
    sequence: Option<u64>,
    enqueued: Option<String>,
    delivery_count: Option<u32>,
    traceparent: Option<String>,
}

impl Read {
    /// As most recorded invocations are.
    fn usual(body: impl AsRef<[u8]>) -> Self {
        Self {
            body: body.as_ref().to_vec(),
            message_id: Some(MESSAGE_ID.to_owned()),
            session_id: Some(SESSION.to_owned()),
            sequence: Some(8412),
            enqueued: Some("2026-05-04T09:30:10Z".to_owned()),
            delivery_count: Some(1),
            traceparent: Some(TRACE.to_owned()),
        }
    }
}

impl From<Delivery> for Read {
    fn from(delivery: Delivery) -> Self {
        Self {
            body: delivery.body.to_vec(),
            message_id: delivery.message_id,
            session_id: delivery.session_id,
            sequence: delivery.sequence_number.map(|number| number.0),
            enqueued: delivery.enqueued.map(|time| time.to_string()),
            delivery_count: delivery.delivery_count,
            traceparent: delivery.trace.map(|trace| trace.to_string()),
        }
    }
}

pub(crate) fn recorded(name: &str) -> Vec<u8> {
    fs::read(format!("{RECORDED}/{name}.json")).unwrap()
}

/// The one message of a request.
fn parse(request: &[u8]) -> Result<Delivery, InvocationError> {
    match invocation::parse(request)? {
        Invocation::One(delivery) => Ok(delivery),
        Invocation::Many(batch) => panic!("a batch of {}", batch.len()),
    }
}

fn envelope(data: &Value, metadata: &Value) -> Vec<u8> {
    json!({"Data": {"order": data}, "Metadata": metadata})
        .to_string()
        .into_bytes()
}

/// The four ways in which a host has been seen to pass a JSON object on.
fn forms(body: &str) -> [(&'static str, String); 4] {
    let text = |value: &str| Value::from(value).to_string();
    [
        ("base64", text(&STANDARD.encode(body))),
        ("JSON string", text(body)),
        ("JSON string in a JSON string", text(&text(body))),
        ("object", body.to_owned()),
    ]
}

/// The brokers' properties, as the host writes them.
fn broker() -> Value {
    json!({
        "DeliveryCount": "3",
        "EnqueuedTimeUtc": "2026-05-04T09:30:10",
        "EnqueuedTime": "2026-05-04T09:30:10+00:00",
        "MessageId": "\"m-1\"",
        "SequenceNumber": "8412",
        "CorrelationId": format!("\"{TRACE}\""),
        "SessionId": "\"S\"",
    })
}

#[test]
fn every_recorded_invocation_is_read_exactly() {
    let usual = |body: &str| Read::usual(body);
    let expected = [
        ("single-binary", usual(CART)),
        (
            "single-binary-2026",
            Read {
                session_id: Some("68FAE9B1D86B794F0AE0ADD35A437428".to_owned()),
                ..usual(MODEL_2026)
            },
        ),
        ("single-binary-empty", usual("")),
        ("single-binary-invalid-utf8", Read::usual(LATIN_1)),
        (
            "single-binary-no-session",
            Read {
                session_id: None,
                traceparent: None,
                ..usual(CART)
            },
        ),
        ("single-binary-not-json", usual(NOT_JSON)),
        ("single-binary-nulls", usual(NULLS)),
        (
            "single-binary-redelivered",
            Read {
                delivery_count: Some(4),
                ..usual(CART)
            },
        ),
        ("single-binary-spoofed", usual(SPOOFED)),
        ("single-binary-unicode", usual(UNICODE)),
        ("single-binary-wrapper", usual(WRAPPED)),
        ("single-string", usual(NULLS)),
        ("single-string-empty", usual("")),
        (
            "single-string-spoofed",
            Read {
                session_id: None,
                sequence: None,
                delivery_count: None,
                ..usual(SPOOFED)
            },
        ),
        ("single-string-unicode", usual(UNICODE)),
    ];
    for (name, expected) in &expected {
        let read = Read::from(parse(&recorded(name)).unwrap());
        assert_eq!(read, *expected, "{name}");
    }
    let known: BTreeSet<String> = expected
        .iter()
        .map(|(name, _)| format!("{name}.json"))
        .chain(["batch-binary.json".to_owned(), batches::FILE.to_owned()])
        .collect();
    let there: BTreeSet<String> = fs::read_dir(RECORDED)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(there, known, "every file of the folder is judged");
}

#[test]
fn one_message_is_one_order_in_every_form() {
    let bodies = [
        CART,
        NULLS,
        UNICODE,
        WRAPPED,
        r#"{"id":"S","a":1.10,"b":1e400,"c":123456789012345678901234567890,"d":"\u00e9\/\"\\"}"#,
        "{\r\n\t\"id\" : \"S\",\n  \"products\" : [ ]\n}",
        r#"{"id":"S","products":[],"note":"eyJpZCI6IlMifQ=="}"#,
        "{}",
    ];
    for body in bodies {
        let orders = forms(body).map(|(form, data)| {
            let request = format!(
                r#"{{"Data":{{"order":{data}}},"Metadata":{}}}"#,
                json!({"SessionId": format!("\"{SESSION}\""), "SequenceNumber": "7", "EnqueuedTime": "2026-05-04T09:30:10+00:00"})
            );
            let delivery = parse(request.as_bytes()).unwrap();
            assert_eq!(delivery.body, body, "{form}");
            let order = Order::parse(&delivery).unwrap();
            (
                order.session.clone(),
                order.body.clone(),
                order.position.unwrap(),
            )
        });
        for order in &orders {
            assert_eq!(*order, orders[0], "{body}");
        }
    }
}

#[test]
fn in_binary_mode_the_brokers_word_counts() {
    let order = Order::parse(&parse(&recorded("single-binary-spoofed")).unwrap()).unwrap();
    assert_eq!(order.session.as_str(), SESSION);
    assert_eq!(order.position.unwrap().sequence, SequenceNumber(8412));
}

/// The host lets each top-level property of the body overwrite the broker's of that name, in any
/// case, so the broker's cannot be told from a forged one.
#[test]
fn in_text_mode_what_the_body_claims_is_not_trusted() {
    let unclaimed = Read::from(parse(&envelope(&json!("{}"), &broker())).unwrap());
    assert_eq!(unclaimed.session_id.as_deref(), Some("S"));
    type Forget = fn(&mut Read);
    let claims: [(&str, Forget); 7] = [
        ("SessionId", |read| read.session_id = None),
        ("SequenceNumber", |read| read.sequence = None),
        ("DeliveryCount", |read| read.delivery_count = None),
        ("MessageId", |read| read.message_id = None),
        ("CorrelationId", |read| read.traceparent = None),
        ("EnqueuedTime", |_| ()), // EnqueuedTimeUtc says the same
        ("EnqueuedTimeUtc", |_| ()),
    ];
    for (name, without) in claims {
        let camel = name[..1].to_lowercase() + &name[1..];
        let escaped = format!("\\u00{:02x}{}", name.as_bytes()[0], &name[1..]);
        for key in [
            name.to_owned(),
            camel,
            name.to_uppercase(),
            name.to_lowercase(),
            escaped,
        ] {
            // Whether the host's parser passes over the mark is not known, so it may have.
            let mark = if key == name { "\u{feff}" } else { "" };
            let body = format!(r#"{mark}{{"{key}":null,"x":1,"{key}":"forged"}}"#);
            let mut expected = unclaimed.clone();
            expected.body = body.clone().into_bytes();
            without(&mut expected);
            let [_, texts @ ..] = forms(&body);
            for (form, data) in texts {
                if data.starts_with('\u{feff}') {
                    continue; // no JSON: the host puts no body there that is not quoted
                }
                let request = format!(r#"{{"Data":{{"order":{data}}},"Metadata":{}}}"#, broker());
                let read = Read::from(parse(request.as_bytes()).unwrap());
                assert_eq!(read, expected, "{key} as {form}");
            }
        }
    }
    let both = r#"{"enqueuedTime":"x","ENQUEUEDTIMEUTC":"y"}"#;
    let read = Read::from(parse(&envelope(&json!(both), &broker())).unwrap());
    assert_eq!(read.enqueued, None);
    let nested = r#"{"x":{"sessionId":"inner"},"y":[{"sessionId":"inner"}],"sessionIds":1}"#;
    let read = Read::from(parse(&envelope(&json!(nested), &broker())).unwrap());
    assert_eq!(
        read.session_id.as_deref(),
        Some("S"),
        "nested keys claim nothing"
    );
}

/// In text mode the host copies the body's keys into Metadata: a body that knows the names of a
/// batch's properties is still one message.
#[test]
fn a_body_with_the_names_of_a_batch_is_one_message() {
    let body = r#"{"id":"A","SequenceNumberArray":"[1]","MessageIdArray":"[2]"}"#;
    let data = Value::from(Value::from(body).to_string());
    let metadata = json!({"SequenceNumberArray": "\"[1]\"", "MessageIdArray": "\"[2]\""});
    assert_eq!(parse(&envelope(&data, &metadata)).unwrap().body, body);
}

/// The host's own parser takes more for JSON than ours: what it may have read there counts as
/// overwritten.
#[test]
fn in_text_mode_a_lenient_object_makes_no_property_trustworthy() {
    let metadata = json!({"SessionId": "\"forged\"", "DeliveryCount": "\"99\""});
    for (body, trusted) in [
        (" {'sessionId':'forged'}", false),
        // A blank of Unicode, which the host trims and JSON does not know.
        ("\u{a0}{\"sessionId\":\"forged\"}", false),
        ("plain text", true),
    ] {
        let data = Value::from(Value::from(body).to_string());
        let delivery = parse(&envelope(&data, &metadata)).unwrap();
        assert_eq!(delivery.session_id.is_some(), trusted, "{body}");
        assert_eq!(delivery.delivery_count.is_some(), trusted, "{body}");
    }
}

/// One message whose body is a list is no batch: it is a message that holds no order.
#[test]
fn a_list_as_a_body_is_a_message_and_no_batch() {
    let list = r#"[{"itemId":"1","quantity":2}]"#;
    let doubly = Value::from(list).to_string();
    for data in [json!(STANDARD.encode(list)), json!(doubly)] {
        let delivery = parse(&envelope(&data, &json!({}))).unwrap();
        assert_eq!(delivery.body, list);
        assert!(Order::parse(&delivery).is_err());
    }
}

#[test]
fn missing_and_extra_parts_are_tolerated() {
    let data = r#""Data":{"order":"e30="}"#;
    for request in [
        format!("{{{data}}}"),
        format!(r#"{{{data},"Metadata":null}}"#),
        format!(r#"{{{data},"Metadata":{{}}}}"#),
        format!(r#"{{"Metadata":{{}},{data}}}"#),
        format!(r#"{{{data},"Metadata":{{"sys":{{"MethodName":"OrderItemsReserver"}}}}}}"#),
        format!(r#"{{{data},"Metadata":{{"SessionId":null,"SequenceNumber":{{}},"DeliveryCount":true,"MessageId":[1]}}}}"#),
        r#"{"X":[1],"Data":{"a":1,"order":"e30=","b":null},"Metadata":{"RetryContext":{"RetryCount":1}},"Y":{}}"#.to_owned(),
    ] {
        let read = Read::from(parse(request.as_bytes()).unwrap());
        let bare = Read {
            body: b"{}".to_vec(),
            message_id: None,
            session_id: None,
            sequence: None,
            enqueued: None,
            delivery_count: None,
            traceparent: None,
        };
        assert_eq!(read, bare, "{request}");
    }
}

/// `POST /admin/functions/OrderItemsReserver` with `{"input":"…"}`: a bare message, by hand.
#[test]
fn a_manual_call_is_an_order_like_any_other() {
    let metadata =
        json!({"sys": {"MethodName": "OrderItemsReserver", "UtcNow": "2026-05-04T09:30:12Z"}});
    let delivery = parse(&envelope(&json!(STANDARD.encode(CART)), &metadata)).unwrap();
    let order = Order::parse(&delivery).unwrap();
    assert_eq!(order.session.as_str(), SESSION, "the body names it");
    assert_eq!(order.position, None);
}

#[test]
fn what_is_no_invocation_is_refused_with_what_was_expected() {
    for request in [
        r#"{"Data":{}}"#,
        r#"{"Data":{"orders":"e30="}}"#,
        r#"{"Data":{"order":null}}"#,
    ] {
        let error = parse(request.as_bytes()).unwrap_err();
        assert_eq!(error, InvocationError::NoBinding, "{request}");
        assert!(error.to_string().contains("`order`"), "{error}");
    }
    for request in [
        &b""[..],
        b"{}",
        b"null",
        b"[]",
        br#"{"data":{"order":"e30="}}"#,
        br#"{"Data":null}"#,
        br#"{"Data":{"order":"e30="}"#,
        br#"{"Data":{"order":"e30="}} x"#,
        br#"{"Data":{"order":"e30="},"Data":{"order":"e30="}}"#,
        br#"{"Data":{"order":"e30=","order":"e30="}}"#,
        b"{\"Data\":{\"order\":\"\xff\"}}",
    ] {
        let error = parse(request).unwrap_err();
        let text = String::from_utf8_lossy(request);
        assert!(
            matches!(error, InvocationError::NotAnInvocation(_)),
            "{text}"
        );
        assert!(
            error.to_string().contains(r#"{"Data":{"order":…}"#),
            "{error}"
        );
    }
}

#[test]
fn a_refusal_says_what_is_wrong_and_where() {
    for (request, words) in [
        ("{}", "missing field `Data` at line 1 column 2"),
        (
            r#"{"Data":7}"#,
            "a value of the wrong type at line 1 column 9",
        ),
        (
            r#"{"Data":{"order":01}}"#,
            "invalid number at line 1 column 19",
        ),
        ("{\n\"Data\":tru}", "expected ident at line 2 column 11"),
    ] {
        let error = parse(request.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

/// The error goes to the log and to whoever asked.
#[test]
fn a_refusal_never_quotes_the_request() {
    for request in [
        r#""kim@example.com""#,
        r#"["kim@example.com"]"#,
        r#"{"Data":"kim@example.com"}"#,
        r#"{"Data":["kim@example.com"]}"#,
        r#"{"Data":{"order":"e30="},"Metadata":"kim@example.com"}"#,
        r#"{"Data":{"order":"e30="},"Metadata":["kim@example.com"]}"#,
        r#"{"Data":{"kim@example.com":1}}"#,
        r#"{"Data":{"order":"e30="},"Metadata":{"kim@example.com":1"#,
    ] {
        if let Err(error) = parse(request.as_bytes()) {
            assert!(!format!("{error} {error:?}").contains("kim@"), "{error}");
        }
    }
}

#[test]
fn a_property_reads_the_same_in_every_wrapping() {
    let once = |text: &str| Value::from(text).to_string();
    let twice = |text: &str| once(&once(text));
    let read = |name: &str, value: &str| {
        let request = format!(r#"{{"Data":{{"order":"e30="}},"Metadata":{{"{name}":{value}}}}}"#);
        Read::from(parse(request.as_bytes()).unwrap())
    };
    for number in ["8412".to_owned(), once("8412"), twice("8412")] {
        assert_eq!(read("SequenceNumber", &number).sequence, Some(8412));
        assert_eq!(read("DeliveryCount", &number).delivery_count, Some(8412));
        assert_eq!(read("MessageId", &number).message_id.unwrap(), "8412");
    }
    for text in [
        "plain",
        "two words",
        "Köln 🐠",
        "a\"quote",
        "back\\slash",
        "{\"a\":1}",
        " ",
    ] {
        for wrapped in [once(text), twice(text)] {
            assert_eq!(
                read("SessionId", &wrapped).session_id.as_deref(),
                Some(text),
                "{wrapped}"
            );
            assert_eq!(
                read("MessageId", &wrapped).message_id.as_deref(),
                Some(text),
                "{wrapped}"
            );
        }
    }
    for number in [
        "-1",
        "1.5",
        "1e3",
        "18446744073709551616",
        r#""""#,
        r#""x""#,
        "null",
        "{}",
    ] {
        assert_eq!(read("SequenceNumber", number).sequence, None, "{number}");
        assert_eq!(
            read("DeliveryCount", number).delivery_count,
            None,
            "{number}"
        );
    }
    assert_eq!(
        read("SequenceNumber", "18446744073709551615").sequence,
        Some(u64::MAX)
    );
    assert_eq!(read("DeliveryCount", "4294967296").delivery_count, None);
}

#[test]
fn a_time_reads_the_same_with_and_without_zone_and_fraction() {
    let read = |metadata: Value| Read::from(parse(&envelope(&json!("e30="), &metadata)).unwrap());
    for time in [
        "2026-05-04T09:30:10",
        "2026-05-04T09:30:10.5",
        "2026-05-04T09:30:10.1234567",
        "2026-05-04T09:30:10Z",
        "2026-05-04T09:30:10+00:00",
        "2026-05-04T11:30:10.999+02:00",
        "\"2026-05-04T09:30:10\"",
    ] {
        for name in ["EnqueuedTime", "EnqueuedTimeUtc"] {
            let enqueued = read(json!({name: time})).enqueued;
            assert_eq!(
                enqueued.as_deref(),
                Some("2026-05-04T09:30:10Z"),
                "{name} {time}"
            );
        }
    }
    for time in [
        "",
        "soon",
        "05/04/2026 09:30:00",
        "2026-13-04T09:30:10",
        "2026-05-04T24:00:00",
    ] {
        assert_eq!(read(json!({"EnqueuedTime": time})).enqueued, None, "{time}");
        let other = read(json!({"EnqueuedTime": time, "EnqueuedTimeUtc": "2026-05-04T09:30:10"}));
        assert!(
            other.enqueued.is_some(),
            "the other spelling still counts: {time}"
        );
    }
}

/// In UTC these lie outside the years that a time can be written with.
#[test]
fn times_at_the_ends_of_the_calendar_do_not_end_the_invocation() {
    for time in [
        "9999-12-31T23:59:59-01:00",
        "0000-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59",
    ] {
        let delivery = parse(&envelope(&json!("e30="), &json!({"EnqueuedTime": time}))).unwrap();
        let written = delivery.enqueued.map(|time| time.to_string());
        let again = written.as_deref().map(|text| text.parse().unwrap());
        assert_eq!(again, delivery.enqueued, "{time} reads back as written");
    }
}

#[test]
fn trace_context_is_taken_only_when_it_is_one() {
    const OTHER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    let trace = |properties: Value, correlation: &str| {
        let correlation = json!(correlation).to_string();
        let metadata = json!({"ApplicationProperties": properties, "CorrelationId": correlation});
        let trace = parse(&envelope(&json!("e30="), &metadata)).unwrap().trace;
        trace.map(|trace| trace.to_string())
    };
    for name in [
        "Diagnostic-Id",
        "diagnostic-id",
        "traceparent",
        "Traceparent",
    ] {
        let read = trace(json!({name: TRACE}), OTHER);
        assert_eq!(
            read.as_deref(),
            Some(TRACE),
            "{name}: what the host continues"
        );
    }
    for odd in [
        json!({}),
        json!(null),
        json!("x"),
        json!({"Diagnostic-Id": 1}),
        json!({"Diagnostic-Id": "|a.b."}),
        json!({"Diagnostic-Id": TRACE.to_uppercase(), "traceparent": format!("{TRACE}-x")}),
    ] {
        assert_eq!(trace(odd.clone(), OTHER).as_deref(), Some(OTHER), "{odd}");
        assert_eq!(trace(odd.clone(), SESSION), None, "{odd}");
    }
    let second = json!({"Diagnostic-Id": {"deep": []}, "traceparent": TRACE});
    assert_eq!(trace(second, "").as_deref(), Some(TRACE));
}

proptest! {
    #[test]
    fn no_damage_to_a_request_makes_the_reader_panic(
        at in 0..4096_usize,
        replacement in proptest::collection::vec(any::<u8>(), 0..4),
        cut in 0..4_usize,
    ) {
        for name in ["single-binary", "single-string-spoofed", "batch-binary"] {
            let mut request = recorded(name);
            let at = at.min(request.len());
            let end = (at + cut).min(request.len());
            request.splice(at..end, replacement.iter().copied());
            match invocation::parse(&request) {
                Ok(Invocation::One(delivery)) => drop(Order::parse(&delivery)),
                Ok(Invocation::Many(batch)) => assert!(!batch.is_empty()),
                Err(_) => {}
            }
        }
    }
}
