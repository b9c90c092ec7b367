//! Batches as a real host sent them, and what else may come in their shape.

use std::collections::BTreeMap;
use std::fs;

use order_items_reserver::invocation::MESSAGES_MAX;
use order_items_reserver::order::MESSAGE_MAX;

use super::*;

/// Lines of a real host (4.1037, both data types): the mode, and the request's body as it was sent.
pub(super) const FILE: &str = "batches.jsonl";

fn many(request: &[u8]) -> Vec<Delivery> {
    match invocation::parse(request) {
        Ok(Invocation::Many(deliveries)) => deliveries,
        other => panic!("{other:?}"),
    }
}

fn refused(request: &[u8]) -> InvocationError {
    invocation::parse(request).unwrap_err()
}

/// A batch of these items (JSON, not yet in a string), with these lists.
fn batch(items: &Value, lists: &[(&str, Value)]) -> Vec<u8> {
    let lists: BTreeMap<_, _> = lists
        .iter()
        .map(|(name, values)| (*name, values.to_string()))
        .collect();
    envelope(&json!(items.to_string()), &json!(lists))
}

fn base64(body: &str) -> String {
    STANDARD.encode(body)
}

#[test]
fn every_recorded_batch_is_read_exactly() {
    let lines = fs::read_to_string(format!("{RECORDED}/{FILE}")).unwrap();
    let read: Vec<(String, Vec<Read>)> = lines
        .lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            assert_eq!(line["cardinality"], "many");
            let deliveries = many(line["request_body"].as_str().unwrap().as_bytes());
            let read = deliveries.into_iter().map(Read::from).collect();
            (line["dataType"].as_str().unwrap().to_owned(), read)
        })
        .collect();
    let message = |number: u64, id: &str, body: &str, session: Option<&str>, second: u64| Read {
        body: body.into(),
        message_id: Some(id.to_owned()),
        session_id: session.map(str::to_owned),
        sequence: Some(number),
        enqueued: Some(format!("2026-11-26T14:59:{second}Z")),
        delivery_count: Some(1),
        traceparent: None,
    };
    let cart = |number: u64, second| {
        let session = format!("c{number}");
        let body = format!(r#"{{"id":"{session}","email":"a@x"}}"#);
        let id = format!("m{number}");
        message(number + 1, &id, &body, Some(&session), second)
    };
    let first = |second| message(1, "m0", r#"{"id":"c0"}"#, None, second);
    let expected = [
        ("binary", vec![first(44)]),
        ("binary", vec![cart(1, 44), cart(2, 44)]),
        ("string", vec![first(47)]),
        ("string", vec![cart(2, 47)]),
        ("string", vec![cart(1, 47)]),
    ]
    .map(|(mode, read)| (mode.to_owned(), read));
    assert_eq!(read, expected);
}

/// Times keep their fractions in a batch, and are whole seconds for the product all the same.
#[test]
fn a_batch_of_three_is_read_item_by_item() {
    let read: Vec<Read> = many(&recorded("batch-binary"))
        .into_iter()
        .map(Read::from)
        .collect();
    let told: Vec<_> = read
        .iter()
        .map(|one| (one.sequence, one.delivery_count, one.enqueued.as_deref()))
        .collect();
    let expected = [
        (Some(8412), Some(2), Some("2026-05-04T09:30:10Z")),
        (Some(8413), Some(1), Some("2026-05-04T09:30:11Z")),
        (Some(8414), Some(1), Some("2026-05-04T09:30:12Z")),
    ];
    assert_eq!(told, expected);
    assert_eq!(read[2].body, CART.as_bytes());
    assert_eq!(read[2].message_id.as_deref(), Some(MESSAGE_ID));
    assert!(
        read.iter()
            .all(|one| one.session_id.as_deref() == Some(SESSION))
    );
}

/// Of bodies, whatever they are, in each mode; a batch of one too.
#[test]
fn the_bodies_of_a_batch_are_what_was_published() {
    let bodies = [
        CART,
        NULLS,
        UNICODE,
        WRAPPED,
        NOT_JSON,
        "",
        "\u{1}\\\"\n",
        "5",
        "[1]",
    ];
    for bodies in [&bodies[..], &bodies[..1], &bodies[5..6]] {
        let published: Vec<&[u8]> = bodies.iter().map(|body| body.as_bytes()).collect();
        let encoded: Vec<String> = bodies.iter().map(|body| base64(body)).collect();
        for items in [json!(encoded), json!(bodies)] {
            let read = many(&batch(&items, &[]));
            let read: Vec<&[u8]> = read.iter().map(|one| &one.body[..]).collect();
            assert_eq!(read, published, "{items}");
        }
    }
    let bytes = many(&batch(&json!([STANDARD.encode(LATIN_1)]), &[]));
    assert_eq!(bytes[0].body, LATIN_1, "no text");
    // Without a data type: objects as they are, the rest as JSON.
    let items = r#"[{"id":"a", "x":1.10},5,null,true,[1]]"#;
    let read = many(&envelope(&json!(items), &json!({})));
    let read: Vec<&[u8]> = read.iter().map(|one| &one.body[..]).collect();
    let expected: [&[u8]; 5] = [br#"{"id":"a", "x":1.10}"#, b"5", b"", b"true", b"[1]"];
    assert_eq!(read, expected);
}

/// `null`, `1234` and `test` are base64, too.
#[test]
fn one_body_that_is_no_base64_makes_texts_of_all() {
    let read = many(&batch(&json!(["null", r#"{"id":"a"}"#, "1234"]), &[]));
    let read: Vec<&[u8]> = read.iter().map(|one| &one.body[..]).collect();
    let expected: [&[u8]; 3] = [b"null", br#"{"id":"a"}"#, b"1234"];
    assert_eq!(read, expected);
}

#[test]
fn an_item_without_a_body_is_an_empty_message_in_each_mode() {
    for items in [json!([null, "e30="]), json!([null, "{}"])] {
        let read = many(&batch(&items, &[("MessageIdArray", json!(["m1", "m2"]))]));
        assert_eq!(
            (&read[0].body[..], &read[1].body[..]),
            (&b""[..], &b"{}"[..])
        );
        assert_eq!(read[0].message_id.as_deref(), Some("m1"));
        assert!(Order::parse(&read[0]).is_err());
    }
}

/// The list was in a string, so a value's own quotes are its own: these two sessions are two.
#[test]
fn quotes_of_a_value_are_kept() {
    let lists = [("SessionIdArray", json!(["S", "\"S\""]))];
    let read = many(&batch(&json!(["e30=", "e30="]), &lists));
    assert_eq!(read[0].session_id.as_deref(), Some("S"));
    assert_eq!(read[1].session_id.as_deref(), Some("\"S\""));
}

#[test]
fn what_is_not_there_of_an_item_is_missing_of_that_item_alone() {
    let lists = [
        ("SessionIdArray", json!([null, "S2"])),
        ("SequenceNumberArray", json!([7, null])),
        ("EnqueuedTimeUtcArray", json!(["2026-05-04T09:30:10.9", 5])),
        ("DeliveryCountArray", json!([{}, "3"])),
        ("CorrelationIdArray", json!([TRACE, "x"])),
        (
            "ApplicationPropertiesArray",
            json!([{}, {"Diagnostic-Id": TRACE}]),
        ),
    ];
    let read: Vec<Read> = many(&batch(&json!(["", ""]), &lists))
        .into_iter()
        .map(Read::from)
        .collect();
    let expected = [
        Read {
            body: Vec::new(),
            message_id: None,
            session_id: None,
            sequence: Some(7),
            enqueued: Some("2026-05-04T09:30:10Z".to_owned()),
            delivery_count: None,
            traceparent: Some(TRACE.to_owned()),
        },
        Read {
            body: Vec::new(),
            message_id: None,
            session_id: Some("S2".to_owned()),
            sequence: None,
            enqueued: None,
            delivery_count: Some(3),
            traceparent: Some(TRACE.to_owned()),
        },
    ];
    assert_eq!(read, expected);
}

/// Which of the messages a shorter list leaves out it does not say; a neighbour's place would put
/// an older cart over a newer one.
#[test]
fn a_list_of_another_length_tells_nothing_of_any_item() {
    for wrong in [
        json!([]),
        json!([7]),
        json!([7, 8, 9]),
        json!("7"),
        json!({"0": 7}),
        json!(null),
    ] {
        let lists = [
            ("SequenceNumberArray", wrong.clone()),
            ("SessionIdArray", json!(["A", "B"])),
        ];
        for one in many(&batch(&json!(["e30=", "e30="]), &lists)) {
            assert_eq!(one.sequence_number, None, "{wrong}");
            assert!(one.session_id.is_some(), "the others still tell: {wrong}");
        }
    }
}

/// Texts alone are taken from where they stand, and counted all the same.
#[test]
fn a_list_of_texts_of_another_length_tells_nothing_either() {
    for wrong in [json!(["A"]), json!(["A", "B", "C"]), json!([""])] {
        let lists = [
            ("SessionIdArray", wrong.clone()),
            ("SequenceNumberArray", json!(["7", "8"])),
        ];
        let read = many(&batch(&json!(["e30=", "e30="]), &lists));
        for (one, number) in read.iter().zip([7, 8]) {
            assert_eq!(one.session_id, None, "{wrong}");
            assert_eq!(one.sequence_number, Some(SequenceNumber(number)));
        }
    }
}

/// One escape has a whole list read as JSON; what it says of the others is the same.
#[test]
fn a_value_with_an_escape_changes_nothing_for_its_neighbours() {
    let texts = ["a", "", "\u{e9}/+", "b c", "\",\""];
    let escaped = ["d\"e", "f\\g", "h\ti", "[\"j\",\"k\"]", "\\\",\\\""];
    for ids in std::iter::once(texts.to_vec()).chain(escaped.map(|id| [&[id], &texts[..]].concat()))
    {
        let bodies = json!(vec!["e30="; ids.len()]);
        let read = many(&batch(&bodies, &[("MessageIdArray", json!(ids))]));
        let read: Vec<_> = read.iter().map(|one| one.message_id.as_deref()).collect();
        let expected: Vec<_> = ids.iter().map(|id| Some(*id)).collect();
        assert_eq!(read, expected);
    }
}

/// A list that was not put into a string says the same.
#[test]
fn a_list_may_stand_as_it_is() {
    let metadata = json!({"SequenceNumberArray": [7, 8], "MessageIdArray": "[\"a\", \"b\"]"});
    let read = many(&envelope(&json!("[\"\", \"\"]"), &metadata));
    assert_eq!(read[1].sequence_number, Some(SequenceNumber(8)));
    assert_eq!(read[1].message_id.as_deref(), Some("b"));
}

#[test]
fn what_only_looks_like_a_batch_is_refused_by_name() {
    let of_one = json!({"SequenceNumber": "7", "MessageId": "\"m\""});
    let too_many = Value::from(vec![Value::Null; MESSAGES_MAX + 1]);
    let cases = [
        (
            envelope(&json!("[]"), &json!({})),
            "a batch without a message; expected 1 to 1000",
        ),
        (
            envelope(&json!("[\"e30=\""), &json!({})),
            "`order` is no batch: EOF",
        ),
        (
            envelope(&json!("[\"e30=\"]]"), &json!({})),
            "`order` is no batch: trailing",
        ),
        (
            envelope(&json!([{"a": 1}]), &json!({})),
            "`order` is a list; expected one message",
        ),
        (
            envelope(&json!(r#"["e30="]"#), &of_one),
            "Metadata is of one message; expected SequenceNumberArray",
        ),
        (
            batch(&too_many, &[]),
            "a batch of 1001 messages; expected at most 1000: maxMessageBatchSize",
        ),
    ];
    for (request, expected) in cases {
        let error = refused(&request).to_string();
        assert!(error.contains(expected), "{error}");
    }
    assert_eq!(
        many(&batch(&Value::from(vec![Value::Null; MESSAGES_MAX]), &[])).len(),
        MESSAGES_MAX
    );
}

/// As many messages as may come at once, each with as much of its own as the tier takes: the host
/// can make no longer request of them.
#[test]
fn the_longest_batch_is_read() {
    const PROPERTIES: usize = 64 * 1024;
    let messages = order_items_reserver::config::BATCH_MAX;
    let property = json!({"p": "\u{1}".repeat(PROPERTIES)});
    let all = |value: Value| Value::from(vec![value; messages]);
    let lists = [
        ("ApplicationPropertiesArray", all(property.clone())),
        ("UserPropertiesArray", all(property)),
    ];
    let items = all(json!(STANDARD.encode(vec![b'x'; MESSAGE_MAX - PROPERTIES])));
    let request = batch(&items, &lists);
    let most = order_items_reserver::http::BATCH_REQUEST_MAX;
    let others = messages * 2 * 1024;
    assert!(
        request.len() + others <= most,
        "{} of {most}",
        request.len()
    );
    assert!(
        request.len() + messages * 16 * 1024 > most,
        "and not much less"
    );
}
