//! The wire format between the Functions host and its custom handler, in and out.
//!
//! The host encodes one value in several ways, by binding type and by its own version: bytes as
//! base64, text as a JSON string within a JSON string, objects as they are. All of them are read.
//! See *Azure Functions custom handlers*, "Request payload" and "Response payload".

mod data;
mod metadata;
mod reply;

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

use crate::order::Delivery;
use data::Data;
use metadata::Metadata;

pub use metadata::{is_traceparent, session_within};
pub use reply::reply;

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
    /// Many messages at once.
    #[error("a batch of messages; expected \"cardinality\": \"one\" in function.json")]
    Batch,
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

/// Reads the one message of an invocation.
///
/// In text mode the host lets properties of the body overwrite those of the broker, in any case.
/// A property that the body has too is therefore not trusted there; design D7.
///
/// # Errors
/// When the request is no invocation with exactly one message. The message itself is not judged.
pub fn parse(request: &[u8]) -> Result<Delivery, InvocationError> {
    let envelope: Envelope<'_> = serde_json::from_slice(request)
        .map_err(|error| InvocationError::NotAnInvocation(unquoted(&error)))?;
    let metadata = envelope.metadata.unwrap_or_default();
    let value = envelope.data.order.ok_or(InvocationError::NoBinding)?;
    match Data::read(value).ok_or(InvocationError::Batch)? {
        Data::Bytes(body) => Ok(metadata.delivery(body, |_| true)),
        Data::Text(body) => {
            let claimed = Claimed::by(&body);
            Ok(metadata.delivery(body, |property| !claimed.covers(property)))
        }
    }
}

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
        match serde_json::from_slice(body) {
            Ok(Keys(keys)) => {
                let lowered = keys.into_keys().map(|key| key.to_ascii_lowercase());
                Self::Keys(lowered.collect())
            }
            Err(_) if body.trim_ascii_start().starts_with(b"{") => Self::Anything,
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
