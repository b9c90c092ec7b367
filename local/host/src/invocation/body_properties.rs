//! What a body that looks like a JSON object does to Metadata in text mode: its top-level properties
//! are written over it.

use serde_json::Value;
use stand_in::newtonsoft as writer;

use super::metadata::Metadata;
use crate::newtonsoft::{Token, float_text, whole_object};

/// Writes every top-level property of the body that has a value, and is no array, over `metadata`;
/// nothing of a body that Newtonsoft does not take, or that has a constructor there.
pub(super) fn write_over_metadata(body: &str, metadata: &mut Metadata) {
    let text = body.trim();
    if !(text.starts_with('{') && text.ends_with('}')) {
        return;
    }
    let Ok(properties) = whole_object(text) else {
        return;
    };
    let refused = |(_, value): &(String, Token)| matches!(value, Token::Constructor { .. });
    if properties.iter().any(refused) {
        return;
    }
    for (name, value) in properties {
        if let Some(json) = binding_data(&value) {
            metadata.set(&name, json);
        }
    }
}

/// The host keeps a scalar as the text .NET makes of it, and encodes that.
fn binding_data(value: &Token) -> Option<String> {
    let text = match value {
        Token::Null | Token::Undefined | Token::Array(_) | Token::Constructor { .. } => {
            return None;
        }
        Token::Object(_) => {
            let mut json = String::new();
            value.write(&mut json);
            return Some(json);
        }
        Token::Bool(true) => "True".to_owned(),
        Token::Bool(false) => "False".to_owned(),
        Token::Integer(digits) => digits.clone(),
        Token::Float(value) => float_text(*value),
        Token::Text(text) => text.clone(),
        Token::Date(date) => date.invariant(),
    };
    Some(writer::to_string(&writer::value(&Value::from(text))))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const UNTOUCHED: &str = r#"{"DeliveryCount":"1","sys":{}}"#;

    fn polluted(body: &str) -> String {
        let mut metadata = Metadata::default();
        metadata.value("DeliveryCount", &json!(1));
        metadata.value("sys", &json!({}));
        write_over_metadata(body, &mut metadata);
        let mut json = String::new();
        metadata.write(&mut json);
        json
    }

    #[test]
    fn scalars_become_encoded_text_and_objects_stay() {
        let body = r#" {"price":59.90,"n":10,"ok":true,"at":"2026-05-04T09:30:00Z","local":"2026-05-04T09:30:00",
            "zone":"2026-05-04T09:30:00+02:00","name":"x","o":{"a":1},"skip":null,"list":[1]} "#;
        let found: Value = serde_json::from_str(&polluted(body)).expect("JSON");
        assert_eq!(
            found,
            json!({"DeliveryCount":"1","sys":{},"price":"\"59.9\"","n":"\"10\"","ok":"\"True\"",
                "at":"\"05/04/2026 09:30:00\"","local":"\"05/04/2026 09:30:00\"","zone":"\"05/04/2026 07:30:00\"",
                "name":"\"x\"","o":{"a":1}})
        );
    }

    #[test]
    fn a_time_beyond_the_years_of_dot_net_is_its_last_or_first_and_year_0_is_text() {
        for (at, text) in [
            ("9999-12-31T23:59:59-01:00", "12/31/9999 23:59:59"),
            ("0001-01-01T00:00:00+01:00", "01/01/0001 00:00:00"),
            ("0000-06-01T00:00:00", "0000-06-01T00:00:00"),
        ] {
            let found: Value =
                serde_json::from_str(&polluted(&json!({ "at": at }).to_string())).expect("JSON");
            assert_eq!(found["at"], format!("\"{text}\""));
        }
    }

    #[test]
    fn a_known_key_keeps_its_spelling_and_place() {
        let text = polluted(r#"{"deliverycount":99,"new":1,"NEW":2}"#);
        assert_eq!(text, r#"{"DeliveryCount":"\"99\"","sys":{},"new":"\"2\""}"#);
    }

    #[test]
    fn what_only_newtonsoft_takes_counts_too() {
        let text = polluted("{a:0x10,'b':NaN,c:,d:undefined,e:1E-7,f:/*x*/.5,}");
        assert_eq!(
            text,
            r#"{"DeliveryCount":"1","sys":{},"a":"\"16\"","b":"\"NaN\"","e":"\"1E-07\"","f":"\"0.5\""}"#
        );
    }

    #[test]
    fn a_body_that_is_no_object_changes_nothing() {
        for body in [
            "",
            "[1]",
            "\"text\"",
            "{broken",
            "Order(id=1)",
            "{a:1} x",
            "\u{feff}{a:1}",
            // All or nothing.
            "{a:1,b:new Date(1)}",
            "{a:1,b:2026-05-04}",
            "{a:1,b:'9999-12-31T24:00:00'}",
        ] {
            assert_eq!(polluted(body), UNTOUCHED, "{body}");
        }
    }
}
