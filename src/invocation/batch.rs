//! Many messages in one request, as the host sends them with `"cardinality": "many"`: a list of
//! bodies, and of each property a list beside it.
//!
//! `Data.order` is a JSON string that holds a JSON list: of base64 with `"dataType": "binary"`, of
//! texts with `"string"`, of whatever each body was without either. `Metadata` has
//! `SequenceNumberArray` and the like, each a JSON string that holds a JSON list, nulls included.
//! The host copies nothing of the bodies into it: that is for a single text only
//! (`Utility.ApplyBindingData` of azure-functions-host), so the broker's word counts in each mode.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::metadata::{Metadata, Properties, Value, once};
use super::{Characters, InvocationError, base64, unquoted};
use crate::order::Delivery;

/// The most messages that one request may hold: what the extension takes at the most unless
/// `host.json` says less, as ours does. It bounds the memory for a list of next to nothing.
pub const MESSAGES_MAX: usize = 1_000;

/// Reads the deliveries out of `order`, the JSON string that holds the list.
pub(super) fn deliveries(
    order: &RawValue,
    metadata: &Metadata<'_>,
) -> Result<Vec<Delivery>, InvocationError> {
    if metadata.is_of_one_message() {
        return Err(InvocationError::ListOfOne);
    }
    let bodies = match packed(order.get()) {
        Some(bodies) => bodies,
        None => listed_bodies(&listed(order))?,
    };
    if bodies.is_empty() {
        return Err(InvocationError::NoMessage);
    }
    let lists = metadata.arrays().map(|array| array.map(List::of));
    let columns = lists.each_ref().map(|list| {
        list.as_ref()
            .map_or_else(Vec::new, |list| list.column(bodies.len()))
    });
    let of_message = |at: usize| Properties::of(columns.each_ref().map(|column| *column.get(at)?));
    let deliveries = bodies.into_iter().enumerate();
    Ok(deliveries
        .map(|(at, body)| of_message(at).delivery(body, |_| true, once))
        .collect())
}

/// The bodies of a list of base64 alone. They are nearly all of a batch, so they are taken from
/// where they stand: two more copies of all messages, and of what is read of them, would be the
/// price of taking the string and the list apart first.
fn packed(order: &str) -> Option<Vec<Bytes>> {
    plain(order)?.into_iter().map(base64::decoded).collect()
}

/// The texts of a list that is written as the host writes it, `"[\"…\",\"…\"]"`, if none of them has
/// a backslash or a quote in it: then they are what stands there. Too many are none.
fn plain(list: &str) -> Option<Vec<&str>> {
    let mut pieces = list.split('\\');
    if pieces.next()? != "\"[" {
        return None;
    }
    let mut texts = Vec::new();
    loop {
        if texts.len() == MESSAGES_MAX {
            return None;
        }
        texts.push(pieces.next()?.strip_prefix('"')?);
        match pieces.next()? {
            "\"," => {}
            "\"]\"" => return pieces.next().is_none().then_some(texts),
            _ => return None,
        }
    }
}

/// The values of one property.
enum List<'a> {
    Plain(Vec<&'a str>),
    Json(Cow<'a, str>),
}

impl<'a> List<'a> {
    fn of(array: &'a RawValue) -> Self {
        plain(array.get()).map_or_else(|| Self::Json(listed(array)), Self::Plain)
    }

    /// One value for each message; none at all where their number is another. Such a list does not
    /// say which of the messages it leaves out. To take the first for the first would be a guess,
    /// and a wrong one would give an order its neighbour's session, or its place in the queue: an
    /// older cart would go over a newer one.
    fn column(&self, messages: usize) -> Vec<Option<Value<'_>>> {
        let values: Vec<Option<Value<'_>>> = match self {
            Self::Plain(texts) => texts.iter().map(|text| Some(Value::Text(text))).collect(),
            Self::Json(text) => {
                let entries: Option<Entries<'_>> = serde_json::from_str(text).ok();
                let entries = entries.filter(|entries| entries.length == messages);
                let values = entries.map(|entries| entries.items).unwrap_or_default();
                let values = values.into_iter();
                values.map(|value| value.map(Value::Json)).collect()
            }
        };
        match values.len() == messages {
            true => values,
            false => Vec::new(),
        }
    }
}

/// The bodies of any list.
fn listed_bodies(list: &str) -> Result<Vec<Bytes>, InvocationError> {
    let Entries { items, length } =
        serde_json::from_str(list).map_err(|error| InvocationError::NotAList(unquoted(&error)))?;
    if length > MESSAGES_MAX {
        return Err(InvocationError::TooMany(length));
    }
    Ok(binary(&items).unwrap_or_else(|| items.iter().copied().map(as_text).collect()))
}

/// The bodies, if all of them came as base64, which is how the mode shows: the host does not name
/// it. One text that is none tells of all the others that they are texts, though they may look like
/// base64 (`null` and `1234` do).
fn binary(items: &[Option<&RawValue>]) -> Option<Vec<Bytes>> {
    let decoded = items.iter().map(|item| {
        let Some(item) = item else {
            return Some(Bytes::new());
        };
        let Characters(text) = serde_json::from_str(item.get()).ok()?;
        base64::decoded(&text)
    });
    decoded.collect()
}

/// A body in any other mode: a text, or JSON as it stands. A message without a body comes as null,
/// and is the empty one.
fn as_text(item: Option<&RawValue>) -> Bytes {
    let json = item.map_or("", RawValue::get);
    match serde_json::from_str(json) {
        Ok(Characters(text)) => Bytes::from(text.into_owned()),
        Err(_) => Bytes::copy_from_slice(json.as_bytes()),
    }
}

/// The text of a list: within a JSON string, as the host writes it, or as it stands.
fn listed(array: &RawValue) -> Cow<'_, str> {
    match serde_json::from_str(array.get()) {
        Ok(Characters(text)) => text,
        Err(_) => Cow::Borrowed(array.get()),
    }
}

/// The first items of a list, as many as a batch may have, and how many there are: what is longer
/// is refused, and its items, which may be of two bytes each, are not kept for that.
struct Entries<'a> {
    items: Vec<Option<&'a RawValue>>,
    length: usize,
}

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items;

        impl<'de> Visitor<'de> for Items {
            type Value = Entries<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Entries<'de>, A::Error> {
                let mut items = Vec::new();
                while items.len() < MESSAGES_MAX {
                    let Some(item) = list.next_element()? else {
                        let length = items.len();
                        return Ok(Entries { items, length });
                    };
                    items.push(item);
                }
                let mut length = items.len();
                while list.next_element::<IgnoredAny>()?.is_some() {
                    length += 1;
                }
                Ok(Entries { items, length })
            }
        }

        deserializer.deserialize_seq(Items)
    }
}
