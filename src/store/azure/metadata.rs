//! The order's position in the blob's metadata: written with the order, in one request.

use std::collections::HashMap;

use azure_core::http::headers::{HeaderName, Headers};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use storage_account::StorageError;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::{ETag, Head, StoreError};
use crate::order::{EnqueuedTime, Order, Position};
use crate::store::{Origin, Stored};

const SEQUENCE: &str = "sequence";
const ENQUEUED: &str = "enqueued";
const MESSAGE_ID: &str = "messageid";

/// Set where an order of ours has no place, so that it is not taken for somebody else's file.
const PLACE: &str = "place";
const NO_PLACE: &str = "none";

/// All but the unreserved characters of RFC 3986 §2.3.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// What is written beside the order. Any characters are legal in a message id, so it is
/// percent-encoded as a header needs it.
pub(super) fn from_order(order: &Order) -> HashMap<String, String> {
    let mut metadata = HashMap::new();
    match order.position {
        Some(position) => {
            metadata.insert(SEQUENCE.to_owned(), position.sequence.to_string());
            metadata.insert(ENQUEUED.to_owned(), position.enqueued.to_string());
        }
        None => drop(metadata.insert(PLACE.to_owned(), NO_PLACE.to_owned())),
    }
    if let Some(id) = &order.message_id {
        let id = utf8_percent_encode(id, ENCODED).to_string();
        metadata.insert(MESSAGE_ID.to_owned(), id);
    }
    metadata
}

/// What a HEAD says.
pub(super) fn to_head(headers: &Headers) -> Result<Head, StoreError> {
    let etag = headers
        .get_optional_str(&HeaderName::from_static("etag"))
        .ok_or_else(|| StorageError::Unexpected("a blob without ETag".to_owned()))?;
    let modified = headers.get_optional_str(&HeaderName::from_static("last-modified"));
    Ok(Head {
        etag: ETag(etag.to_owned()),
        stored: Stored {
            origin: origin(headers),
            modified: modified.and_then(date),
        },
    })
}

fn origin(headers: &Headers) -> Origin {
    let value =
        |key: &str| headers.get_optional_string(&HeaderName::from(format!("x-ms-meta-{key}")));
    let position = || {
        Position::new(
            value(SEQUENCE)?.parse().ok()?,
            value(ENQUEUED)?.parse().ok()?,
        )
    };
    if let Some(position) = position() {
        let id = value(MESSAGE_ID);
        let message_id = id.map(|id| percent_decode_str(&id).decode_utf8_lossy().into_owned());
        return Origin::Placed {
            position,
            message_id,
        };
    }
    match value(PLACE).as_deref() {
        Some(NO_PLACE) => Origin::Unplaced,
        _ => Origin::Foreign,
    }
}

/// As HTTP writes dates (RFC 9110 §5.6.7).
fn date(text: &str) -> Option<EnqueuedTime> {
    OffsetDateTime::parse(text, &Rfc2822)
        .ok()
        .map(EnqueuedTime::from)
}
