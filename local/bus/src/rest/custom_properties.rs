//! The publisher's own message properties, as the REST interface takes them: one header each.

use axum::http::{HeaderMap, HeaderName, header};
use serde_json::{Map, Value};

use super::broker_properties;

/// Custom properties over REST: a quoted string, a number or a boolean in a header of its own.
///
/// Returns what was understood, and the headers that were not: Azure may answer 400 to those.
pub(super) fn from_headers(headers: &HeaderMap) -> (Map<String, Value>, Vec<String>) {
    let mut properties = Map::new();
    let mut odd = Vec::new();
    for (name, value) in headers.iter().filter(|(name, _)| !is_standard(name)) {
        match serde_json::from_slice(value.as_bytes()) {
            Ok(value @ (Value::String(_) | Value::Number(_) | Value::Bool(_))) => {
                properties.insert(name.as_str().to_owned(), value);
            }
            _ => odd.push(name.as_str().to_owned()),
        }
    }
    (properties, odd)
}

fn is_standard(name: &HeaderName) -> bool {
    let known = [
        broker_properties::HEADER,
        header::ACCEPT,
        header::ACCEPT_CHARSET,
        header::ACCEPT_ENCODING,
        header::ACCEPT_LANGUAGE,
        header::AUTHORIZATION,
        header::CACHE_CONTROL,
        header::CONNECTION,
        header::CONTENT_ENCODING,
        header::CONTENT_LENGTH,
        header::CONTENT_TYPE,
        header::DATE,
        header::EXPECT,
        header::HOST,
        header::ORIGIN,
        header::REFERER,
        header::TRANSFER_ENCODING,
        header::USER_AGENT,
    ];
    known.contains(name) || name.as_str().starts_with("sec-fetch-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_custom_property_is_a_quoted_header() {
        let mut headers = HeaderMap::new();
        headers.insert("kind", "\"cart\"".parse().expect("a value"));
        headers.insert("schemaversion", "1".parse().expect("a value"));
        headers.insert("traceparent", "00-0af7".parse().expect("a value"));
        headers.insert("host", "localhost".parse().expect("a value"));
        let (properties, odd) = from_headers(&headers);
        assert_eq!(
            Value::Object(properties),
            serde_json::json!({"kind":"cart","schemaversion":1})
        );
        assert_eq!(odd, ["traceparent"]);
    }
}
