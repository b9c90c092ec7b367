//! The order a message carries: parsed once, then trusted.
//!
//! Only what the reservation needs is read; the document itself is kept byte for byte, unknown
//! fields and all. Reading is strict where a mistake would cost an order (whose session is it?)
//! and open everywhere else: guests have no e-mail address, and `null` is a fine name.

mod delivery;
mod position;
mod session;

use std::fmt;
use std::str::Utf8Error;

use azure_app::trace::TraceContext;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

pub use delivery::{Delivery, MESSAGE_MAX};
pub use position::{
    CLOCK_STEP_MAX_SECS, CONTRADICTION_WINDOW_SECS, EnqueuedTime, EnqueuedTimeError, Position,
    SequenceNumber, Standing,
};
pub use session::{BlobName, SESSION_ID_MAX, SessionId, SessionIdError};

/// How many wrappers around an order are taken off: text in text, or `{"payload": …}`.
const WRAPPERS_MAX: usize = 4;

/// Some writers put it before their text.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The keys of a wrapper, as an error names them to a person.
const WRAPPER_KEYS: &str = "payload (or orderJson, orderJSON)";

/// An order that could be read: whose it is is known, and its document is JSON.
#[derive(Clone)]
pub struct Order {
    /// Whose order it is; it names the blob.
    pub session: SessionId,
    /// The order document exactly as published (UTF-8 JSON), out of its wrapper if it had one.
    pub body: Bytes,
    /// Its message's place in the queue; without it the order cannot be compared with another.
    pub position: Option<Position>,
    /// The publisher's id of the message.
    pub message_id: Option<String>,
    /// The message's trace, which the storage is told.
    pub trace: Option<TraceContext>,
}

/// Why a message is no order. Never quotes the body: it may hold an e-mail address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// No bytes, or white space alone.
    #[error("the message is empty; expected a JSON object")]
    Empty,
    /// Text in another of Unicode's encodings, by its byte order mark or by the zeros in its ASCII.
    #[error("the message is in {0}; expected UTF-8, which is what JSON is sent in")]
    OtherEncoding(&'static str),
    /// JSON is UTF-8 (RFC 8259 §8.1).
    #[error("the message is not UTF-8: byte {at} is not part of a character")]
    NotUtf8 {
        /// Offset of the first bad byte.
        at: usize,
    },
    /// Not JSON at all, cut off, or a key that stands twice.
    #[error("the message is not a JSON object: {0}")]
    NotJson(String),
    /// JSON, but something else than expected.
    #[error("`{field}` is {found}; expected {expected}")]
    WrongType {
        /// Its key; `message` for the document itself.
        field: String,
        /// In words, with an article.
        expected: &'static str,
        /// The kind of value that is there, never the value.
        found: &'static str,
    },
    /// More wrappers than anybody means.
    #[error("the order is wrapped more than {WRAPPERS_MAX} times")]
    WrappedTooOften,
    /// Neither the broker nor the body names a session.
    #[error(
        "no session id: neither SessionId of the message nor sessionId, id or orderId of the body is set"
    )]
    NoSessionId,
    /// The session that is named cannot be one.
    #[error(transparent)]
    SessionId(#[from] SessionIdError),
}

impl Order {
    /// Reads the order out of a delivery.
    ///
    /// The session is the first that is set of: the broker's `SessionId`, then `sessionId`, `id`
    /// and `orderId` of the body, the wrapper's before the order's.
    ///
    /// # Errors
    /// When the body is not a JSON object, no session is named, or `products` is not a list. What
    /// is in the list is not ours to judge: one publisher writes `"quantity":2`, another one `2.0`
    /// or `"2"`, and each of them reads its own.
    pub fn parse(delivery: &Delivery) -> Result<Self, OrderError> {
        let mut body = delivery.body.clone();
        let mut session = delivery.session_id.clone().filter(|id| !id.is_empty());
        for _ in 0..=WRAPPERS_MAX {
            let document = Document::read(&body)?;
            if session.is_none() {
                session = document.session()?;
            }
            let Some(inner) = document.inner()? else {
                document.check_products()?;
                return Ok(Self {
                    session: SessionId::new(session.ok_or(OrderError::NoSessionId)?)?,
                    body,
                    position: delivery.position(),
                    message_id: delivery.message_id.clone(),
                    trace: delivery.trace,
                });
            };
            body = inner;
        }
        Err(OrderError::WrappedTooOften)
    }
}

/// Without the body: it may hold an e-mail address.
impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Order")
            .field("session", &self.session)
            .field("position", &self.position)
            .field("message_id", &self.message_id)
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

/// One JSON document on the way to an order: the order itself, or a wrapper around it.
enum Document<'a> {
    /// A JSON text within a JSON string, as JMS and the portal send it.
    Text(String),
    /// A JSON object.
    Object(Object<'a>),
}

/// The fields that decide; the rest of the object is skipped unread.
#[derive(Deserialize)]
struct Object<'a> {
    #[serde(borrow, rename = "sessionId")]
    session_id: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow, rename = "orderId")]
    order_id: Option<&'a RawValue>,
    #[serde(borrow)]
    products: Option<&'a RawValue>,
    #[serde(borrow, alias = "orderJson", alias = "orderJSON")]
    payload: Option<&'a RawValue>,
}

impl<'a> Document<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, OrderError> {
        let not_utf8 = |error: Utf8Error| match other_encoding(bytes) {
            Some(name) => OrderError::OtherEncoding(name),
            None => OrderError::NotUtf8 {
                at: error.valid_up_to(),
            },
        };
        let text = std::str::from_utf8(bytes).map_err(not_utf8)?;
        // A reader may pass over it (RFC 8259 §8.1), and files and .NET's writers begin with one.
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        let not_json = |error: serde_json::Error| match other_encoding(bytes) {
            Some(name) => OrderError::OtherEncoding(name),
            None => not_json(&error),
        };
        match text.trim_start().as_bytes().first() {
            None => Err(OrderError::Empty),
            Some(b'"') => serde_json::from_str(text).map(Self::Text).map_err(not_json),
            Some(b'{') => serde_json::from_str(text)
                .map(Self::Object)
                .map_err(not_json),
            Some(_) => match serde_json::from_str::<&RawValue>(text) {
                Ok(value) => Err(wrong_type("message", "a JSON object", value)),
                Err(error) => Err(not_json(error)),
            },
        }
    }

    /// The session that this document names, if it does. A number names none, not even in full:
    /// many a serialiser writes 0 where an id was never set, and all carts would share one file.
    fn session(&self) -> Result<Option<String>, OrderError> {
        let Self::Object(object) = self else {
            return Ok(None);
        };
        for (field, value) in [
            ("sessionId", object.session_id),
            ("id", object.id),
            ("orderId", object.order_id),
        ] {
            let Some(value) = value else { continue };
            let text: String = serde_json::from_str(value.get())
                .map_err(|_| wrong_type(field, "a string", value))?;
            if !text.is_empty() {
                return Ok(Some(text));
            }
        }
        Ok(None)
    }

    /// The document within this one, when this is only a wrapper. An object with products is an
    /// order, whatever else it carries.
    fn inner(&self) -> Result<Option<Bytes>, OrderError> {
        let object = match self {
            Self::Text(text) => return Ok(Some(text.clone().into())),
            Self::Object(object) => object,
        };
        let (Some(inner), None) = (object.payload, object.products) else {
            return Ok(None);
        };
        match inner.get().as_bytes().first() {
            Some(b'"') => Self::read(inner.get().as_bytes())?.inner(),
            Some(b'{') => Ok(Some(Bytes::copy_from_slice(inner.get().as_bytes()))),
            _ => Err(wrong_type(
                WRAPPER_KEYS,
                "an order, or its JSON text",
                inner,
            )),
        }
    }

    /// Checks that the products are a list; absent and `null` are an empty one.
    fn check_products(&self) -> Result<(), OrderError> {
        match self {
            Self::Object(Object {
                products: Some(products),
                ..
            }) if !products.get().starts_with('[') => {
                Err(wrong_type("products", "a list", products))
            }
            _ => Ok(()),
        }
    }
}

/// What a text that begins like this is in, if not in UTF-8. JSON begins with ASCII, so that
/// without a mark the zeros beside it tell.
fn other_encoding(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Some("UTF-32"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("UTF-16"),
        [0, 0, 0, ascii, ..] | [ascii, 0, 0, 0, ..] if *ascii != 0 => Some("UTF-32"),
        [0, ascii, ..] | [ascii, 0, ..] if *ascii != 0 => Some("UTF-16"),
        _ => None,
    }
}

/// serde's words name keys and places, never values: each field is read as it stands.
fn not_json(error: &serde_json::Error) -> OrderError {
    OrderError::NotJson(error.to_string())
}

fn wrong_type(field: &str, expected: &'static str, found: &RawValue) -> OrderError {
    OrderError::WrongType {
        field: field.to_owned(),
        expected,
        found: match found.get().as_bytes().first() {
            Some(b'"') if serde_json::from_str::<String>(found.get()).is_err() => {
                "a string with half a character"
            }
            Some(b'"') => "a string",
            Some(b'{') => "an object",
            Some(b'[') => "a list",
            Some(b't' | b'f') => "a boolean",
            Some(b'n') => "null",
            _ if found.get().contains(['.', 'e', 'E']) => "a fraction",
            _ if found.get().parse::<i64>().is_err() => "an integer beyond 64 bits",
            _ => "an integer",
        },
    }
}
