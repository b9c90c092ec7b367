//! Orders: what is stored is what was published, or the very text in its wrapper.

use std::collections::BTreeMap;

use bytes::Bytes;
use order_items_reserver::order::{Delivery, Order, OrderError, SESSION_ID_MAX};
use serde_json::Value;
use serde_json::value::RawValue;

const SESSION: &str = "session of the broker";

/// Passed over before the text, and kept.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// What decides; any other key of an order is nobody's business.
const READ: [&str; 7] = [
    "sessionId",
    "id",
    "orderId",
    "products",
    "payload",
    "orderJson",
    "orderJSON",
];

/// The input is a message's body.
pub fn check(data: &[u8]) {
    let body = Bytes::copy_from_slice(data);
    let named = parse(&body, Some(SESSION));
    let unnamed = parse(&body, None);
    match (&named, &unnamed) {
        (Ok(named), Ok(unnamed)) => assert_eq!(named.body, unnamed.body),
        (Ok(_), Err(OrderError::NoSessionId | OrderError::SessionId(_))) => {}
        // Without a session of the broker's the body must name one, in the right type.
        (Ok(_), Err(OrderError::WrongType { field, .. })) => {
            assert!(READ[..3].contains(&field.as_str()), "{field}");
        }
        (Err(named), Err(unnamed)) => assert_silent(&[named, unnamed]),
        (named, unnamed) => panic!("{named:?} with a session, {unnamed:?} without"),
    }
    match &named {
        Ok(order) => {
            assert_eq!(order.session.as_str(), SESSION);
            check_stored(&body, order);
        }
        Err(error) => assert!(!is_plain(&body), "{error}: {body:?}"),
    }
    if let Ok(order) = unnamed {
        assert!((1..=SESSION_ID_MAX).contains(&order.session.as_str().len()));
        // Its session may stand in the wrapper that is gone now.
        if let Ok(bare) = parse(&order.body, None) {
            check_wrapped(&bare);
        }
    }
}

fn parse(body: &Bytes, session: Option<&str>) -> Result<Order, OrderError> {
    Order::parse(&Delivery {
        body: body.clone(),
        session_id: session.map(str::to_owned),
        ..Delivery::default()
    })
}

/// An error goes to the log: no word of it comes from a body, which may hold an e-mail address.
fn assert_silent(errors: &[&OrderError]) {
    for error in errors {
        let text = error.to_string();
        assert!(!text.contains('@') && text.len() < 300, "{text}");
    }
}

fn check_stored(body: &Bytes, order: &Order) {
    assert_eq!(order.body, unwrapped(body), "{body:?}");
    let again = parse(&order.body, Some(SESSION)).expect("what is stored is an order");
    assert_eq!(again.body, order.body, "reading it twice changes it");
}

/// The order's text, found by a second reading of the same rule.
fn unwrapped(body: &[u8]) -> Vec<u8> {
    let json = unmarked(body);
    if let Ok(text) = serde_json::from_slice::<String>(json) {
        return unwrapped(text.as_bytes());
    }
    let object: BTreeMap<String, &RawValue> = serde_json::from_slice(json).expect("an object");
    let set = |key: &str| object.get(key).filter(|value| value.get() != "null");
    let wrapped = READ[4..].iter().find_map(|key| set(key));
    match (wrapped, set("products")) {
        (Some(order), None) => unwrapped(order.get().as_bytes()),
        _ => body.to_vec(),
    }
}

fn unmarked(body: &[u8]) -> &[u8] {
    body.strip_prefix(BYTE_ORDER_MARK.as_bytes())
        .unwrap_or(body)
}

/// JSON objects without any of the keys that decide are orders, whatever is in them; and with a
/// list of products, whatever is in that.
fn is_plain(body: &[u8]) -> bool {
    let Ok(Value::Object(object)) = serde_json::from_slice(unmarked(body)) else {
        return false;
    };
    let decides = |key: &String| READ.contains(&key.as_str()) && key != "products";
    match object.get("products") {
        None => !object.keys().any(decides),
        // A second list of that name, which a reader of maps does not see, makes it no order.
        Some(Value::Array(_) | Value::Null) => {
            let text = String::from_utf8_lossy(body);
            !object.keys().any(decides)
                && text.matches("products").count() == 1
                && !text.contains('\\')
        }
        Some(_) => false,
    }
}

/// The same order in each wrapper: the same session, the same bytes.
fn check_wrapped(order: &Order) {
    let text = std::str::from_utf8(&order.body).expect("JSON is UTF-8");
    let quoted = Value::from(text).to_string();
    let wrappers = [
        quoted.clone(),
        Value::from(quoted.as_str()).to_string(),
        format!(r#"{{"payload":{quoted}}}"#),
        format!(r#" {{"orderJson" : {quoted}, "products":null}}"#),
        format!("{{\"x\":[],\"orderJSON\":{text}\n}}"),
    ];
    // A mark may stand before a text, and not within one.
    let there = if text.starts_with(BYTE_ORDER_MARK) {
        4
    } else {
        5
    };
    for wrapper in wrappers.into_iter().take(there) {
        match parse(&wrapper.clone().into(), None) {
            Ok(unwrapped) => {
                assert_eq!(unwrapped.session, order.session, "{wrapper}");
                let stored = unwrapped.body.as_ref();
                assert!(
                    stored == order.body || stored == text.trim().as_bytes(),
                    "{wrapper}"
                );
            }
            // A wrapper is one level more, and the parser's stack has an end.
            Err(OrderError::NotJson(why)) if why.contains("recursion limit") => {}
            Err(error) => panic!("{error}: {wrapper}"),
        }
    }
}
