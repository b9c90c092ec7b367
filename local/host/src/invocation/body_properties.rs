//! What a JSON body does to Metadata in string mode: its top-level properties are written over it.

use serde_json::{Map, Value};
use stand_in::newtonsoft;
use time::format_description::well_known::Iso8601;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};

/// Writes every top-level property of the body that is neither null nor an array into `metadata`.
///
/// Names are compared in any case; a key that is there already keeps its spelling and its place.
pub(super) fn write_over_metadata(body: &str, metadata: &mut Map<String, Value>) {
    let text = body.trim();
    if !text.starts_with('{') {
        return;
    }
    let Ok(properties) = serde_json::from_str::<Map<String, Value>>(text) else {
        return;
    };
    for (name, value) in properties {
        let Some(value) = binding_data(value) else {
            continue;
        };
        let known = metadata
            .keys()
            .find(|key| key.to_lowercase() == name.to_lowercase())
            .cloned();
        metadata.insert(known.unwrap_or(name), value);
    }
}

/// The host keeps a scalar as the text .NET makes of it, and encodes that.
fn binding_data(value: Value) -> Option<Value> {
    let text = match value {
        Value::Null | Value::Array(_) => return None,
        Value::Object(_) => return Some(value),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) if number.is_f64() => number.as_f64()?.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => date(&text).unwrap_or(text),
    };
    Some(newtonsoft::value(&Value::from(text)))
}

/// Newtonsoft takes a string that looks like an ISO date for one; .NET then writes it the American
/// way.
fn date(text: &str) -> Option<String> {
    if text.as_bytes().get(10) != Some(&b'T') {
        return None;
    }
    let time = match OffsetDateTime::parse(text, &Iso8601::DEFAULT) {
        // The host runs in UTC, and local time is what it converts to.
        Ok(time) => {
            let utc = time.checked_to_offset(UtcOffset::UTC)?;
            PrimitiveDateTime::new(utc.date(), utc.time())
        }
        Err(_) => PrimitiveDateTime::parse(text, &Iso8601::DEFAULT).ok()?,
    };
    // .NET has no other years.
    if !(1..=9999).contains(&time.year()) {
        return None;
    }
    time.format(format_description!(
        "[month]/[day]/[year] [hour]:[minute]:[second]"
    ))
    .ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn polluted(body: &str) -> Value {
        let mut metadata = Map::from_iter([
            ("DeliveryCount".to_owned(), json!("1")),
            ("sys".to_owned(), json!({})),
        ]);
        write_over_metadata(body, &mut metadata);
        metadata.into()
    }

    #[test]
    fn scalars_become_encoded_text_and_objects_stay() {
        let body = r#" {"price":59.90,"n":10,"ok":true,"at":"2026-05-04T09:30:00Z","local":"2026-05-04T09:30:00",
            "zone":"2026-05-04T09:30:00+02:00","name":"x","o":{"a":1},"skip":null,"list":[1]} "#;
        assert_eq!(
            polluted(body),
            json!({"DeliveryCount":"1","sys":{},"price":"\"59.9\"","n":"\"10\"","ok":"\"True\"",
                "at":"\"05/04/2026 09:30:00\"","local":"\"05/04/2026 09:30:00\"","zone":"\"05/04/2026 07:30:00\"",
                "name":"\"x\"","o":{"a":1}})
        );
    }

    #[test]
    fn a_time_beyond_the_years_of_dot_net_stays_text() {
        for at in [
            "9999-12-31T23:59:59-01:00",
            "0001-01-01T00:00:00+01:00",
            "0000-06-01T00:00:00",
        ] {
            let body = json!({ "at": at }).to_string();
            assert_eq!(polluted(&body)["at"], format!("\"{at}\""));
        }
    }

    #[test]
    fn a_known_key_keeps_its_spelling_and_place() {
        let text = polluted(r#"{"deliverycount":99,"new":1,"NEW":2}"#).to_string();
        assert_eq!(text, r#"{"DeliveryCount":"\"99\"","sys":{},"new":"\"2\""}"#);
    }

    #[test]
    fn a_body_that_is_no_object_changes_nothing() {
        for body in ["", "[1]", "\"text\"", "{broken", "Order(id=1)"] {
            assert_eq!(
                polluted(body),
                json!({"DeliveryCount":"1","sys":{}}),
                "{body}"
            );
        }
    }
}
