//! What counts as an order, whose it is, and that nothing of it is ever quoted or changed.

mod names;
pub(crate) mod notice;
mod secrets;
mod token;

use bytes::Bytes;
use order_items_reserver::fallback::Reason;
use order_items_reserver::order::{Delivery, Order, OrderError, SESSION_ID_MAX, SessionIdError};
use proptest::prelude::*;
use serde_json::Value;

const SESSION: &str = "E7DBA502A3B795953DDE76EA965EBBF3";

/// A message without a word from the broker.
fn bare(body: impl Into<Bytes>) -> Delivery {
    Delivery {
        body: body.into(),
        ..Delivery::default()
    }
}

fn of_session(session: &str, body: impl Into<Bytes>) -> Delivery {
    Delivery {
        session_id: Some(session.to_owned()),
        ..bare(body)
    }
}

/// Session and stored bytes.
fn read(delivery: &Delivery) -> (String, String) {
    let order = Order::parse(delivery).unwrap_or_else(|error| panic!("{error}: {delivery:?}"));
    let body = String::from_utf8(order.body.to_vec()).unwrap();
    (order.session.to_string(), body)
}

fn error(body: impl Into<Bytes>) -> OrderError {
    Order::parse(&bare(body)).expect_err("no order")
}

/// Every body that a PetStore has been seen to publish, as a whole order.
#[test]
fn every_published_variant_is_stored_as_it_is() {
    let variants = [
        (
            "A",
            SESSION,
            r#"{"id":"E7DBA502A3B795953DDE76EA965EBBF3","products":[{"id":8,"quantity":1}],"complete":false}"#,
        ),
        (
            "A, minus",
            SESSION,
            r#"{"id":"E7DBA502A3B795953DDE76EA965EBBF3","products":[{"id":8,"quantity":-1}],"complete":false}"#,
        ),
        (
            "A, complete",
            SESSION,
            r#"{"id":"E7DBA502A3B795953DDE76EA965EBBF3","email":"a@b.c","complete":true}"#,
        ),
        (
            "B",
            SESSION,
            r#"{"id":"E7DBA502A3B795953DDE76EA965EBBF3","email":null,"products":[{"id":8,"quantity":2,"name":"Scratcher","photoURL":"https://raw.githubusercontent.com/chtrembl/staticcontent/master/cat-toys/scratcher.jpg?raw=true"},{"id":11,"quantity":1,"name":null,"photoURL":null}],"shipDate":null,"tags":null,"status":null,"complete":false}"#,
        ),
        (
            "B, no products",
            SESSION,
            r#"{"id":"E7DBA502A3B795953DDE76EA965EBBF3","email":null,"products":null,"shipDate":null,"tags":null,"status":null,"complete":false}"#,
        ),
        (
            "B, empty",
            SESSION,
            r#"{"id":"E7DBA502A3B795953DDE76EA965EBBF3","email":null,"products":[],"complete":false}"#,
        ),
        (
            "C",
            SESSION,
            r#"{"id":"E7DBA502A3B795953DDE76EA965EBBF3","products":[{"id":8,"name":"Scratcher","photoURL":"https://raw.githubusercontent.com/chtrembl/staticcontent/master/cat-toys/scratcher.jpg?raw=true","quantity":2},{"id":11,"name":"All Sizes Fish Food","photoURL":"https://raw.githubusercontent.com/chtrembl/staticcontent/master/fish-food/fish.jpg?raw=true","quantity":3}],"complete":false}"#,
        ),
        (
            "D",
            "68FAE9B1D86B794F0AE0ADD35A437428",
            r#"{"id":"68FAE9B1D86B794F0AE0ADD35A437428","email":null,"products":[{"id":1,"quantity":2,"name":"Ball","photoURL":"https://raw.githubusercontent.com/chtrembl/staticcontent/master/dog-toys/ball.jpg?raw=true"}],"status":"placed","complete":false}"#,
        ),
        (
            "F",
            "9EE430AE58D307433B5A30E94A5F5A16",
            r#"{"id":"9EE430AE58D307433B5A30E94A5F5A16","email":"anonymous.user@example.com","products":[{"id":10,"name":"DeWalt DCH033 3kg 18V 2 x 4.0Ah","photoURL":"http://petstore-image-storage/10?size=medium","tags":[{"id":1,"name":"2 x 2Ah Li-Ion Batteries"}],"quantity":1}],"shipDate":"2024-07-03T15:28:02.825274+03:00","status":"placed","complete":false}"#,
        ),
        (
            "G",
            "S-1",
            r#"{"sessionId":"S-1","orderId":"O-1","email":"a@b.c","products":[{"id":1,"category":"Dog Toy","name":"Ball","photoURL":"x","quantity":2,"tags":["small","large"],"price":12.50}],"status":"placed","complete":false}"#,
        ),
        (
            "G, order id only",
            "O-1",
            r#"{"orderId":"O-1","email":"a@b.c","status":"placed","products":[],"complete":true}"#,
        ),
        (
            "I",
            "8B43F106224AFA53FE27B9BC567007EB",
            r#"{"id":"8B43F106224AFA53FE27B9BC567007EB","email":"a@b.c","products":[{"id":4,"quantity":3}],"complete":true}"#,
        ),
    ];
    for (variant, session, body) in variants {
        let expected = (session.to_owned(), body.to_owned());
        assert_eq!(read(&bare(body)), expected, "{variant}");
        let of_broker = ("broker's".to_owned(), body.to_owned());
        assert_eq!(read(&of_session("broker's", body)), of_broker, "{variant}");
    }
}

/// Bodies of other courses: with the broker's session they are kept, without it nobody knows whose.
#[test]
fn a_foreign_document_needs_the_brokers_session() {
    let reservation = r#"{"order":{"id":"68FAE9B1D86B794F0AE0ADD35A437428","products":[{"id":1,"name":"Ball","quantity":2}]},"reservation":{"reservationId":"550e8400-e29b-41d4-a716-446655440000","orderId":"68FAE9B1D86B794F0AE0ADD35A437428","status":"confirmed","reservedItems":[{"productId":1,"productName":"Ball","quantity":2}],"failedItems":[],"timestamp":"2026-03-22T10:30:00+08:00","message":"All items reserved successfully"}}"#;
    let basket = r#"{"OrderId":1,"Items":[{"Id":1,"Name":"x","Units":2}]}"#;
    for body in [reservation, basket, "{}", r#"{"id":"","sessionId":null}"#] {
        assert_eq!(error(body), OrderError::NoSessionId, "{body}");
        assert_eq!(
            read(&of_session("S", body)),
            ("S".to_owned(), body.to_owned())
        );
    }
    let eshop =
        r#"{"id":7,"BuyerId":"b","ShipToAddress":{},"OrderItems":[],"OrderDate":"2026-01-01"}"#;
    assert_eq!(
        error(eshop).to_string(),
        "`id` is an integer; expected a string"
    );
    assert_eq!(read(&of_session("S", eshop)).1, eshop);
    let list = r#"[{"itemId":"1","quantity":2}]"#;
    let found = Order::parse(&of_session("S", list)).unwrap_err();
    assert_eq!(
        found.to_string(),
        "`message` is a list; expected a JSON object"
    );
}

#[test]
fn an_order_comes_out_of_every_wrapper_byte_for_byte() {
    let inner =
        "{ \"id\":\"in\\u006eer\",\t\"products\": [{\"id\":8, \"quantity\":1}], \"x\":1.10 }";
    let text = |value: &str| Value::from(value).to_string();
    let mut wrapped = vec![
        text(inner),
        text(&text(inner)),
        format!(" \r\n{}\n", text(inner)),
    ];
    for key in ["payload", "orderJson", "orderJSON"] {
        wrapped.push(format!(r#"{{"{key}":{inner}}}"#));
        wrapped.push(format!(r#"{{"{key}":{}}}"#, text(inner)));
        wrapped.push(format!(
            r#"{{"products":null,"{key}" : {} ,"x":[]}}"#,
            text(&text(inner))
        ));
        wrapped.push(text(&format!(r#"{{"{key}":{}}}"#, text(inner))));
        wrapped.push(format!(r#"{{"payload":{{"{key}":{}}}}}"#, text(inner)));
    }
    for body in wrapped {
        let expected = ("inner".to_owned(), inner.to_owned());
        assert_eq!(read(&bare(body.clone())), expected, "{body}");
    }
}

#[test]
fn wrapping_ends_somewhere() {
    let wrap = |times: usize| {
        (0..times).fold(r#"{"id":"S"}"#.to_owned(), |body, _| {
            format!(r#"{{"payload":{body}}}"#)
        })
    };
    assert_eq!(read(&bare(wrap(4))).1, r#"{"id":"S"}"#);
    assert_eq!(error(wrap(5)), OrderError::WrappedTooOften);
    assert_eq!(error(wrap(2_000)), OrderError::WrappedTooOften);
}

/// An object with products is the order itself, whatever else it carries.
#[test]
fn a_payload_beside_products_is_no_wrapper() {
    for payload in ["\"{}\"", "5", "[]", "{\"id\":\"other\"}"] {
        let body = format!(r#"{{"id":"S","products":[],"payload":{payload}}}"#);
        assert_eq!(read(&bare(body.clone())), ("S".to_owned(), body));
    }
    let body = r#"{"id":"S","payload":null,"orderId":null}"#;
    assert_eq!(read(&bare(body)).1, body);
}

#[test]
fn the_session_is_the_first_that_is_set() {
    let cases = [
        (
            Some("broker"),
            r#"{"sessionId":"s","id":"i","orderId":"o"}"#,
            "broker",
        ),
        (Some(""), r#"{"sessionId":"s","id":"i","orderId":"o"}"#, "s"),
        (None, r#"{"orderId":"o","id":"i","sessionId":"s"}"#, "s"),
        (None, r#"{"orderId":"o","id":"i","sessionId":""}"#, "i"),
        (None, r#"{"orderId":"o","id":null,"sessionId":null}"#, "o"),
        (None, r#"{"id":" "}"#, " "),
        (None, r#"{"\u0069d":"K\u00f6ln \ud83d\udc20"}"#, "Köln 🐠"),
        (
            None,
            r#"{"sessionId":"outer","payload":{"sessionId":"s","id":"i"}}"#,
            "outer",
        ),
        (
            None,
            r#"{"orderId":"outer","payload":{"sessionId":"s","id":"i"}}"#,
            "outer",
        ),
        (None, r#"{"sessionId":"","payload":"{\"id\":\"i\"}"}"#, "i"),
        (
            Some("broker"),
            r#"{"sessionId":"outer","payload":{"id":"i"}}"#,
            "broker",
        ),
        (
            Some("broker"),
            r#"{"sessionId":7,"id":{},"orderId":[]}"#,
            "broker",
        ),
    ];
    for (broker, body, expected) in cases {
        let delivery = Delivery {
            session_id: broker.map(str::to_owned),
            ..bare(body)
        };
        assert_eq!(read(&delivery).0, expected, "{body}");
    }
}

#[test]
fn a_session_id_has_1_to_128_bytes() {
    for legal in [
        "x".to_owned(),
        "x".repeat(128),
        "é".repeat(64),
        "\0".to_owned(),
    ] {
        assert_eq!(read(&of_session(&legal, "{}")).0, legal);
    }
    for (illegal, bytes) in [("x".repeat(129), 129), ("é".repeat(65), 130)] {
        let expected = OrderError::SessionId(SessionIdError::TooLong { bytes });
        assert_eq!(
            Order::parse(&of_session(&illegal, "{}")).unwrap_err(),
            expected
        );
        assert_eq!(error(format!(r#"{{"id":"{illegal}"}}"#)), expected);
    }
    assert_eq!(SESSION_ID_MAX, 128);
}

const WRONG_TYPES: &[(&str, &str)] = &[
    (
        r#"{"sessionId":7}"#,
        "`sessionId` is an integer; expected a string",
    ),
    (r#"{"id":true}"#, "`id` is a boolean; expected a string"),
    (r#"{"id":1.5}"#, "`id` is a fraction; expected a string"),
    (
        r#"{"id":99999999999999999999}"#,
        "`id` is an integer beyond 64 bits; expected a string",
    ),
    (
        r#"{"id":"\ud83d"}"#,
        "`id` is a string with half a character; expected a string",
    ),
    (
        r#"{"orderId":[]}"#,
        "`orderId` is a list; expected a string",
    ),
    (
        r#"{"orderId":{}}"#,
        "`orderId` is an object; expected a string",
    ),
    (
        r#"{"id":"S","products":{}}"#,
        "`products` is an object; expected a list",
    ),
    (
        r#"{"id":"S","products":"[]"}"#,
        "`products` is a string; expected a list",
    ),
    (
        r#"{"id":"S","products":false}"#,
        "`products` is a boolean; expected a list",
    ),
    (
        r#"{"id":"S","products":7}"#,
        "`products` is an integer; expected a list",
    ),
    (r#"{"id":8}"#, "`id` is an integer; expected a string"),
    (
        r#"{"payload":5}"#,
        "`payload (or orderJson, orderJSON)` is an integer; expected an order, or its JSON text",
    ),
    (
        r#"{"payload":[]}"#,
        "`payload (or orderJson, orderJSON)` is a list; expected an order, or its JSON text",
    ),
    (
        r#"{"payload":"[]","id":"S"}"#,
        "`message` is a list; expected a JSON object",
    ),
    ("5", "`message` is an integer; expected a JSON object"),
    ("-5", "`message` is an integer; expected a JSON object"),
    ("true", "`message` is a boolean; expected a JSON object"),
    ("null", "`message` is null; expected a JSON object"),
];

#[test]
fn a_wrong_type_is_named_with_its_path() {
    for (body, expected) in WRONG_TYPES {
        assert_eq!(error(*body).to_string(), *expected, "{body}");
    }
    for legal in [
        r#"{"id":"S","products":[{"id":null,"quantity":null},{}]}"#,
        r#"{"id":"S","email":{},"name":5,"photoURL":[],"status":1.5,"shipDate":true,"tags":"x","complete":"no"}"#,
    ] {
        assert_eq!(read(&bare(legal)).1, legal);
    }
}

/// What other serialisers write: it is theirs to read again.
#[test]
fn what_is_inside_a_product_is_not_judged() {
    let values = [
        "2",
        "2.0",
        "-0",
        "1e3",
        "1e400",
        "\"2\"",
        "\"\"",
        "null",
        "true",
        "[1]",
        "{}",
        "9223372036854775808",
        "-9223372036854775809",
        "0.1234567890123456789",
        "123456789012345678901234567890",
        r#""Cat \ud83d""#,
    ];
    for value in values {
        for field in ["id", "quantity", "price", "Quantity"] {
            let body = format!(r#"{{"id":"S","products":[{{}},{{"{field}":{value}}}]}}"#);
            assert_eq!(read(&bare(body.clone())), ("S".to_owned(), body));
        }
        let body = format!(r#"{{"id":"S","products":[{value},"x"]}}"#);
        assert_eq!(read(&bare(body.clone())), ("S".to_owned(), body));
        let twice = format!(r#"{{"id":"S","products":[{{"id":{value},"id":{value}}}]}}"#);
        assert_eq!(read(&bare(twice.clone())), ("S".to_owned(), twice));
    }
}

/// .NET's `StreamWriter`, PowerShell and editors on Windows begin with one.
#[test]
fn a_byte_order_mark_is_read_past_and_kept() {
    let order = r#"{"id":"S","products":[]}"#;
    let quoted = Value::from(order).to_string();
    let marked = format!("\u{feff}{order}");
    for plain in [marked.clone(), format!("\u{feff} \r\n{order}")] {
        assert_eq!(read(&bare(plain.clone())), ("S".to_owned(), plain));
    }
    for wrapper in [
        format!("\u{feff}{quoted}"),
        format!("\u{feff}{{\"payload\":{quoted}}}"),
        format!("\u{feff}{{\"payload\":{order}}}"),
    ] {
        assert_eq!(read(&bare(wrapper)), ("S".to_owned(), order.to_owned()));
    }
    let inner = Value::from(marked.as_str()).to_string();
    for wrapper in [
        inner.clone(),
        format!("{{\"orderJson\":{inner}}}"),
        format!("\u{feff}{{\"orderJSON\":{inner}}}"),
        Value::from(format!("\u{feff}{inner}")).to_string(),
    ] {
        assert_eq!(read(&bare(wrapper)), ("S".to_owned(), marked.clone()));
    }
    for empty in ["\u{feff}", "\u{feff} \n"] {
        assert_eq!(error(empty), OrderError::Empty);
    }
    for body in ["\u{feff}\u{feff}{}", " \u{feff}{}", "{}\u{feff}"] {
        assert!(matches!(error(body), OrderError::NotJson(_)), "{body}");
    }
}

#[test]
fn another_encoding_is_told_by_its_name() {
    let order = r#"{"id":"käufer"}"#;
    let utf_16 = |to_bytes: fn(u16) -> [u8; 2], mark: &str| -> Vec<u8> {
        let units = mark.encode_utf16().chain(order.encode_utf16());
        units.flat_map(to_bytes).collect()
    };
    let utf_32 = |to_bytes: fn(u32) -> [u8; 4], mark: &str| -> Vec<u8> {
        let chars = mark.chars().chain(order.chars()).map(u32::from);
        chars.flat_map(to_bytes).collect()
    };
    for mark in ["\u{feff}", ""] {
        for (body, name) in [
            (utf_16(u16::to_le_bytes, mark), "UTF-16"),
            (utf_16(u16::to_be_bytes, mark), "UTF-16"),
            (utf_32(u32::to_le_bytes, mark), "UTF-32"),
            (utf_32(u32::to_be_bytes, mark), "UTF-32"),
        ] {
            assert_eq!(
                error(body),
                OrderError::OtherEncoding(name),
                "mark: {mark:?}"
            );
        }
    }
}

#[test]
fn what_is_no_json_object_is_no_order() {
    for body in ["", " ", "\r\n\t "] {
        assert_eq!(error(body), OrderError::Empty);
    }
    assert_eq!(error(r#"{"payload":""}"#), OrderError::Empty);
    assert_eq!(
        error(&b"{\"id\":\"k\xe4ufer\"}"[..]),
        OrderError::NotUtf8 { at: 8 }
    );
    assert_eq!(
        error(&b"{\"id\":\"S\",\"x\":\"\xf0\x9f\x90\"}"[..]),
        OrderError::NotUtf8 { at: 15 }
    );
    for body in [
        "Order(id=1)",
        r#"{"id":"S""#,
        r#"{"id":"S"}}"#,
        r#"{"id":"S"} {}"#,
        r#"{"id":"S",}"#,
        r#"{'id':'S'}"#,
        r#"{"id":"S",/* */"x":1}"#,
        r#"{"id":"S","x":NaN}"#,
        r#"{"id":"S","x":01}"#,
        "{\"id\":\"S\",\"x\":\"raw \n newline\"}",
        "\"{\\\"id\\\"",
        "truly",
    ] {
        assert!(matches!(error(body), OrderError::NotJson(_)), "{body}");
    }
}

/// Readers disagree on which of two equal keys counts: nobody may be sent another's order.
#[test]
fn a_key_that_decides_may_stand_only_once() {
    for body in [
        r#"{"id":"A","id":"B"}"#,
        r#"{"id":"A","\u0069d":"B"}"#,
        r#"{"id":"A","id":null}"#,
        r#"{"sessionId":"A","sessionId":"A"}"#,
        r#"{"id":"A","products":[],"products":[{}]}"#,
        r#"{"payload":"{}","orderJson":"{}"}"#,
        r#"{"payload":"{\"id\":\"A\",\"id\":\"B\"}"}"#,
    ] {
        let error = error(body);
        assert!(
            error.to_string().contains("duplicate field"),
            "{body}: {error}"
        );
    }
    let harmless = r#"{"id":"A","x":1,"x":2,"products":[{"name":"a","name":"b"}]}"#;
    assert_eq!(read(&bare(harmless)).1, harmless);
}

#[test]
fn numbers_escapes_and_depth_of_unknown_fields_do_not_matter() {
    for value in [
        "123456789012345678901234567890",
        "-1e999",
        "0.1000000000000000055511151231257827",
        r#""\ud800 \u0000 \/""#,
        &format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)),
        &format!("{}1{}", r#"{"a":"#.repeat(100_000), "}".repeat(100_000)),
    ] {
        let shown = &value[..value.len().min(40)];
        let order = format!(r#"{{"id":"S","x":{value},"products":[{{"x":{value}}}]}}"#);
        assert!(read(&bare(order.clone())).1 == order, "{shown}");
        let wrapped = format!(r#"{{"y":{value},"payload":{order}}}"#);
        assert!(read(&bare(wrapped)).1 == order, "{shown}");
        let product = format!(r#"{{"id":"S","products":[{{"id":{value}}},{value}]}}"#);
        assert!(read(&bare(product.clone())).1 == product, "{shown}");
        let session = format!(r#"{{"id":{value},"products":[]}}"#);
        assert!(
            matches!(error(session), OrderError::WrongType { .. }),
            "{shown}"
        );
    }
}

const ADDRESS: &str = "kim@example.com";

fn assert_silent(error: &OrderError) {
    let said = format!("{error} {error:?} {}", Reason::Unreadable(error.clone()));
    assert!(!said.contains("kim"), "{said}");
}

#[test]
fn an_error_never_quotes_the_body() {
    let places = [
        "{}",
        r#""{}"#,
        r#""{}""#,
        "{{}}",
        r#"{"{}"}"#,
        r#"{"{}":"#,
        r#"{"id":{"{}":1}}"#,
        r#"{"id":["{}"]}"#,
        r#"{"sessionId":{"{}":"{}"}}"#,
        r#"{"id":"S","products":"{}"}"#,
        r#"{"id":"S","products":["{}"]}"#,
        r#"{"id":"S","products":{"{}":1}}"#,
        r#"{"id":"S","products":[{"id":"{}"}]}"#,
        r#"{"id":"S","products":[{"quantity":{"{}":1}}]}"#,
        r#"{"id":"S","products":[{"{}":"#,
        r#"{"payload":["{}"]}"#,
        r#"{"payload":"{}"}"#,
        r#"{"payload":"\"{}\""}"#,
        r#"{"{}":1,"{}":2}"#,
        r#"{"{}":"\x"}"#,
        r#"{"id":"S","{}\ud800":1}"#,
        r#"{"id":"{}\ud800"}"#,
        r#"["{}"]"#,
    ];
    for place in places {
        let body = place.replace("{}", ADDRESS);
        if let Err(error) = Order::parse(&bare(body)) {
            assert_silent(&error);
        }
    }
    assert_silent(&error(format!(r#"{{"id":"{}"}}"#, ADDRESS.repeat(10))));
    let too_long = Order::parse(&of_session(&ADDRESS.repeat(10), "{}")).unwrap_err();
    assert_silent(&too_long);
}

/// Objects and lists of the fields that count, with an address wherever a text can stand.
fn any_document() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just(format!("\"{ADDRESS}\"")),
        Just(ADDRESS.to_owned()),
        Just("null".to_owned()),
        Just("1.5".to_owned()),
        Just("\"\"".to_owned()),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        let key = prop::sample::select(vec![
            "id",
            "sessionId",
            "orderId",
            "products",
            "payload",
            "orderJson",
            "quantity",
            ADDRESS,
        ]);
        let field = (key, inner.clone()).prop_map(|(key, value)| format!("\"{key}\":{value}"));
        prop_oneof![
            prop::collection::vec(field, 0..5)
                .prop_map(|fields| format!("{{{}}}", fields.join(","))),
            prop::collection::vec(inner.clone(), 0..3)
                .prop_map(|items| format!("[{}]", items.join(","))),
            inner.prop_map(|text| Value::from(text).to_string()),
        ]
    })
}

proptest! {
    #[test]
    fn no_document_is_quoted_or_changed(document in any_document()) {
        match Order::parse(&bare(document.clone())) {
            Ok(order) => {
                let body = std::str::from_utf8(&order.body).unwrap();
                let unescaped = document.replace('\\', "");
                prop_assert!(unescaped.contains(&body.replace('\\', "")), "{body} of {document}");
            }
            Err(error) => assert_silent(&error),
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(body in prop::collection::vec(any::<u8>(), 0..64)) {
        drop(Order::parse(&bare(body)));
    }
}
