//! The wire format between the Functions host and its custom handler, in and out.
//!
//! The host encodes one value in several ways, by binding type and by its own version: bytes as
//! base64, text as a JSON string within a JSON string, objects as they are. All of them are read.
//! See *Azure Functions custom handlers*, "Request payload" and "Response payload".

mod base64;
mod batch;
mod metadata;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::order::Delivery;
use crate::reserve::{Outcome, Reservation, Settlement};
pub use batch::MESSAGES_MAX;
pub use metadata::session_within;
use metadata::{Metadata, between, twice};

/// Before a text in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The trigger's binding in `function.json`.
pub const BINDING: &str = "order";

/// A request that no Service Bus trigger of ours sends. The host gives the message back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvocationError {
    /// Not the envelope of a custom handler.
    #[error("not an invocation: {0}; expected {{\"Data\":{{\"{BINDING}\":…}},\"Metadata\":{{…}}}}")]
    NotAnInvocation(String),
    /// The binding has another name.
    #[error("Data has no `{BINDING}`; expected the binding named `{BINDING}` in function.json")]
    NoBinding,
    /// A list that stands in the request as JSON, which no host sends.
    #[error(
        "`{BINDING}` is a list; expected one message, or a string that holds the list of a batch"
    )]
    List,
    /// A list of bodies beside the properties of a single message.
    #[error(
        "`{BINDING}` is a list, but Metadata is of one message; expected SequenceNumberArray and \
         the like, as with \"cardinality\": \"many\" in function.json"
    )]
    ListOfOne,
    /// It begins like the list of a batch and is none.
    #[error("`{BINDING}` is no batch: {0}; expected the JSON list of its messages' bodies")]
    NotAList(String),
    /// A batch of nothing: an answer to it would acknowledge nobody knows what.
    #[error("a batch without a message; expected 1 to {MESSAGES_MAX}")]
    NoMessage,
    /// More than a batch may have.
    #[error(
        "a batch of {0} messages; expected at most {MESSAGES_MAX}: maxMessageBatchSize in host.json"
    )]
    TooMany(usize),
}

/// What the host brings.
#[derive(Debug)]
pub enum Invocation {
    /// A message of its own.
    One(Delivery),
    /// A batch, in the order of the request; at least one.
    Many(Vec<Delivery>),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Envelope<'a> {
    #[serde(borrow)]
    data: Binding<'a>,
    #[serde(borrow)]
    metadata: Option<Metadata<'a>>,
}

#[derive(Deserialize)]
struct Binding<'a> {
    #[serde(borrow)]
    order: Option<&'a RawValue>,
}

/// Reads the message of an invocation, or the messages of a batch: which of the two it is shows in
/// its shape. A single message never begins like a list: its bytes come as base64, its text as a
/// JSON string within the JSON string.
///
/// In text mode the host parses the body as JSON and copies its properties over those of the
/// broker, whatever the case of their names (`Utility.ApplyBindingData` of azure-functions-host). A
/// cart with a `sequenceNumber` of its own would thus choose its place in the queue, so a property
/// that the body has too is not trusted there. With `"dataType": "binary"`, as in our
/// `function.json`, the host looks into no body.
///
/// # Errors
/// When the request is no invocation with a message in it. The messages themselves are not judged.
pub fn parse(request: &[u8]) -> Result<Invocation, InvocationError> {
    let envelope: Envelope<'_> = serde_json::from_slice(request)
        .map_err(|error| InvocationError::NotAnInvocation(unquoted(&error)))?;
    let metadata = envelope.metadata.unwrap_or_default();
    let value = envelope.data.order.ok_or(InvocationError::NoBinding)?;
    let delivery = match Data::read(value)? {
        Data::Bytes(body) => metadata.of_one().delivery(body, |_| true, twice),
        Data::Text(body) => {
            let claimed = Claimed::by(&body);
            let trusted = |property: &str| !claimed.covers(property);
            metadata.of_one().delivery(body, trusted, twice)
        }
        Data::List => return batch::deliveries(value, &metadata).map(Invocation::Many),
    };
    Ok(Invocation::One(delivery))
}

/// A body, and whether the host treated it as text on its way; or many.
enum Data {
    /// `"dataType": "binary"`: the bytes as published.
    Bytes(Bytes),
    /// Any other mode: characters, and Metadata that the body may have overwritten.
    Text(Bytes),
    /// The list of a batch.
    List,
}

impl Data {
    fn read(value: &RawValue) -> Result<Self, InvocationError> {
        let json = value.get();
        if json.starts_with("\"[") {
            return Ok(Self::List);
        }
        // As it nearly always comes: where it stands, without an escape.
        if let Some(body) = between("\"", json, "\"").and_then(base64::decoded) {
            return Ok(Self::Bytes(body));
        }
        match serde_json::from_str(json) {
            Ok(Characters(text)) => Ok(Self::of_string(text)),
            Err(_) if json.starts_with('[') => Err(InvocationError::List),
            Err(_) => Ok(Self::Text(Bytes::copy_from_slice(json.as_bytes()))),
        }
    }

    /// Base64 has neither quotes, brackets nor braces, so the forms cannot be confused: text that
    /// is a JSON string is the doubly encoded body, a list is a batch of either mode.
    fn of_string(text: Cow<'_, str>) -> Self {
        match text.as_bytes().first() {
            Some(b'"') => {
                let body = serde_json::from_str(&text).unwrap_or_else(|_| text.into_owned());
                Self::Text(body.into())
            }
            Some(b'[') => Self::List, // its bracket was escaped
            _ => match base64::decoded(&text) {
                Some(bytes) => Self::Bytes(bytes),
                None => Self::Text(text.into_owned().into()),
            },
        }
    }
}

/// A JSON string, copied only if it has escapes: base64 has none.
#[derive(Deserialize)]
struct Characters<'a>(#[serde(borrow)] Cow<'a, str>);

/// What serde says, but for a value of the wrong type: it would quote that, and it may be a body.
fn unquoted(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if error.is_data() && text.starts_with("invalid") {
        let (line, column) = (error.line(), error.column());
        return format!("a value of the wrong type at line {line} column {column}");
    }
    text
}

/// The properties that a body in text mode may have overwritten.
enum Claimed {
    Keys(HashSet<String>),
    /// Looks like an object but is no JSON: the host's parser is more lenient than ours.
    Anything,
}

impl Claimed {
    fn by(body: &[u8]) -> Self {
        #[derive(Deserialize)]
        #[serde(transparent)]
        struct Keys(HashMap<String, IgnoredAny>);
        // Whether the host's parser passes over it is not known, so it may have.
        let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
        match serde_json::from_slice(body) {
            Ok(Keys(keys)) => {
                let lowered = keys.into_keys().map(|key| key.to_ascii_lowercase());
                Self::Keys(lowered.collect())
            }
            // What the host trims are the blanks of Unicode, and not those of JSON alone.
            Err(_) if String::from_utf8_lossy(body).trim_start().starts_with('{') => Self::Anything,
            Err(_) => Self::Keys(HashSet::new()),
        }
    }

    fn covers(&self, property: &str) -> bool {
        match self {
            Self::Keys(keys) => keys.contains(&property.to_ascii_lowercase()),
            Self::Anything => true,
        }
    }
}

/// A custom handler's answer. A 2xx must carry a JSON object: the host waits for its own time-out
/// on an empty or `null` one.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Reply {
    outputs: Outputs,
    /// Shown by the host with the invocation, on success only, and always as information: what
    /// asks for more has a line of its own instead. Those of a batch say which message they are
    /// of, by its number: the host names the invocation alone.
    logs: Vec<String>,
    return_value: (),
}

#[derive(Debug, Serialize)]
struct Outputs {}

/// The answer that completes the message; `None` when it has to be given back.
#[must_use]
pub fn reply(reservation: &Reservation) -> Option<Reply> {
    let done = !reservation.is_given_back();
    done.then(|| Reply::telling(routine(reservation).into_iter().collect()))
}

/// The answer that completes all messages of a batch; `None` when one of them has to be given back:
/// the host completes all, or none.
#[must_use]
pub fn reply_to_all(reservations: &[Reservation]) -> Option<Reply> {
    let done = !reservations.iter().any(Reservation::is_given_back);
    done.then(|| Reply::telling(reservations.iter().filter_map(numbered).collect()))
}

impl Reply {
    fn telling(logs: Vec<String>) -> Self {
        Self {
            outputs: Outputs {},
            logs,
            return_value: (),
        }
    }
}

/// The record of an order that has no line of its own, with its message's number.
fn numbered(reservation: &Reservation) -> Option<String> {
    let record = routine(reservation)?;
    let position = reservation.order.as_ref()?.position;
    Some(match position {
        Some(position) => format!("#{} {record}", position.sequence),
        None => record,
    })
}

/// The record of an order that has no line of its own.
fn routine(reservation: &Reservation) -> Option<String> {
    let order = reservation.order.as_ref();
    let order = order.filter(|_| reservation.is_routine())?;
    let ended = match reservation.settlement {
        Settlement::Complete(Outcome::Superseded) => "superseded by a newer order of its batch",
        _ => "stored",
    };
    let (blob, attempts) = (order.session.blob_name(), reservation.attempts);
    Some(format!("{blob} {ended}, upload attempts: {attempts}"))
}
