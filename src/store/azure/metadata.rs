//! The order's position in the blob's metadata: written with the order, in one request.

use std::collections::HashMap;

use azure_core::http::headers::{HeaderName, Headers};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{ETag, Head, StoreError};
use crate::order::{Order, Position};

const SEQUENCE: &str = "sequence";
const ENQUEUED: &str = "enqueued";
const MESSAGE_ID: &str = "messageid";

/// All but the unreserved characters of RFC 3986 §2.3.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// What is written beside the order. The message id is for people; any characters are legal in
/// it, so it is percent-encoded as a header needs it.
pub(super) fn from_order(order: &Order) -> HashMap<String, String> {
    let mut metadata = HashMap::new();
    if let Some(position) = order.position {
        metadata.insert(SEQUENCE.to_owned(), position.sequence.to_string());
        metadata.insert(ENQUEUED.to_owned(), position.enqueued.to_string());
    }
    if let Some(id) = &order.message_id {
        let id = utf8_percent_encode(id, ENCODED).to_string();
        metadata.insert(MESSAGE_ID.to_owned(), id);
    }
    metadata
}

/// What a HEAD says. Metadata that is not ours counts as none: such a blob is older.
pub(super) fn to_head(headers: &Headers) -> Result<Head, StoreError> {
    let etag = headers
        .get_optional_str(&HeaderName::from_static("etag"))
        .ok_or_else(|| StoreError::Unexpected("a blob without ETag".to_owned()))?;
    Ok(Head {
        etag: ETag(etag.to_owned()),
        position: position(headers),
    })
}

fn position(headers: &Headers) -> Option<Position> {
    let value =
        |key: &str| headers.get_optional_string(&HeaderName::from(format!("x-ms-meta-{key}")));
    Some(Position {
        sequence: value(SEQUENCE)?.parse().ok()?,
        enqueued: value(ENQUEUED)?.parse().ok()?,
    })
}
