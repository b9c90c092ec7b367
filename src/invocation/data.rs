//! The message body as the host encodes it.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

/// A body, and whether the host treated it as text on its way.
pub(super) enum Data {
    /// `"dataType": "binary"`: the bytes as published.
    Bytes(Bytes),
    /// Any other mode: characters, and Metadata that the body may have overwritten.
    Text(Bytes),
}

impl Data {
    /// `None` when the value is a list: a batch.
    pub(super) fn read(value: &RawValue) -> Option<Self> {
        let json = value.get();
        match serde_json::from_str(json) {
            Ok(Characters(text)) => Self::of_string(text),
            Err(_) if json.starts_with('[') => None,
            Err(_) => Some(Self::Text(Bytes::copy_from_slice(json.as_bytes()))),
        }
    }

    /// Base64 has neither quotes, brackets nor braces, so the forms cannot be confused: text that
    /// is a JSON string is the doubly encoded body, a list is a batch of either mode.
    fn of_string(text: Cow<'_, str>) -> Option<Self> {
        match text.as_bytes().first() {
            Some(b'"') => {
                let body = serde_json::from_str(&text).unwrap_or_else(|_| text.into_owned());
                Some(Self::Text(body.into()))
            }
            Some(b'[') => None,
            _ => Some(match STANDARD.decode(text.as_bytes()) {
                Ok(bytes) => Self::Bytes(bytes.into()),
                Err(_) => Self::Text(text.into_owned().into()),
            }),
        }
    }
}

/// A JSON string, copied only if it has escapes: base64 has none.
#[derive(Deserialize)]
struct Characters<'a>(#[serde(borrow)] Cow<'a, str>);
