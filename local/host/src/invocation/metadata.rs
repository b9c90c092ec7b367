//! Metadata: keys in the order in which the host has them, each with the JSON text of its value.

use std::collections::HashMap;

use serde_json::{Value, json};
use stand_in::newtonsoft as writer;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::{Envelope, InvocationStamp};
use crate::newtonsoft::write_text;

const SECONDS: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");

/// Names are compared in any case, as .NET's dictionary does here: a key that is there already keeps
/// its spelling and its place.
#[derive(Debug, Default)]
pub(super) struct Metadata {
    entries: Vec<(String, String)>,
    places: HashMap<String, usize>,
}

impl Metadata {
    /// The keys that do not depend on a message: who received it.
    pub(super) fn of_receiver(envelope: &Envelope) -> Self {
        let mut metadata = Self::default();
        let actions = match envelope.session_locked_until {
            Some(end) => json!({ "SessionLockedUntil": format!("{}+00:00", milliseconds(end)) }),
            None => json!({}),
        };
        for key in [
            "MessageReceiver",
            "MessageSession",
            "MessageActions",
            "SessionActions",
        ] {
            metadata.value(key, &actions);
        }
        metadata.value("ReceiveActions", &json!({}));
        let client = json!({
            "FullyQualifiedNamespace": envelope.namespace,
            "IsClosed": false,
            "TransportType": 0,
            "Identifier": format!("{}-{}", envelope.namespace, envelope.client_id),
        });
        metadata.value("Client", &client);
        metadata
    }

    /// What the host adds behind the broker's properties.
    pub(super) fn system(&mut self, function: &str, stamp: &InvocationStamp) {
        let sys = json!({
            "MethodName": function,
            "UtcNow": format!("{}Z", ticks(stamp.utc_now)),
            "RandGuid": stamp.rand_guid.to_string(),
        });
        self.value("sys", &sys);
    }

    /// Sets a key to JSON text.
    pub(super) fn set(&mut self, key: &str, json: String) {
        let folded = folded(key);
        match self
            .places
            .get(&folded)
            .and_then(|place| self.entries.get_mut(*place))
        {
            Some(known) => known.1 = json,
            None => {
                self.places.insert(folded, self.entries.len());
                self.entries.push((key.to_owned(), json));
            }
        }
    }

    /// Sets a key to a value as the host encodes it: an object stays one, anything else becomes a
    /// string of JSON text.
    pub(super) fn value(&mut self, key: &str, value: &Value) {
        self.set(key, writer::to_string(&writer::value(value)));
    }

    /// A property that is not set is left out.
    pub(super) fn text(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.value(key, &text.into());
        }
    }

    /// Twice: without a zone, which is UTC all the same, and with one. Whole seconds.
    pub(super) fn time(&mut self, key: &str, time: OffsetDateTime) {
        let text = seconds(time);
        self.set(&format!("{key}Utc"), format!("\"{text}\""));
        self.set(key, format!("\"{text}+00:00\""));
    }

    /// Writes all of it as an object. The host drops keys that end in `trigger`, whoever set them.
    pub(super) fn write(&self, json: &mut String) {
        json.push('{');
        let is_sent = |key: &str| !key.to_ascii_lowercase().ends_with("trigger");
        let sent = self.entries.iter().filter(|(key, _)| is_sent(key));
        for (index, (key, value)) in sent.enumerate() {
            if index > 0 {
                json.push(',');
            }
            write_text(key, json);
            json.push(':');
            json.push_str(value);
        }
        json.push('}');
    }
}

/// The name as .NET compares it: each character in upper case, where that is one character. The two
/// letters that would turn into one of ASCII, ı and ſ, stay what they are.
fn folded(key: &str) -> String {
    let upper = |c: char| {
        let mut upper = c.to_uppercase();
        match (upper.next(), upper.next()) {
            (Some(upper), None) if upper.is_ascii() == c.is_ascii() => upper,
            _ => c,
        }
    };
    key.chars().map(upper).collect()
}

/// Formatting numbers cannot fail: the components are all there.
fn seconds(time: OffsetDateTime) -> String {
    time.format(SECONDS).unwrap_or_default()
}

/// The broker's times have no more, and no trailing zeros.
pub(super) fn milliseconds(time: OffsetDateTime) -> String {
    let text = format!("{}.{:03}", seconds(time), time.millisecond());
    trimmed(&text)
}

/// Down to .NET's ticks of 100 ns, without trailing zeros.
fn ticks(time: OffsetDateTime) -> String {
    let text = format!("{}.{:07}", seconds(time), time.nanosecond() / 100);
    trimmed(&text)
}

fn trimmed(text: &str) -> String {
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn fractions_are_without_trailing_zeros() {
        let time = datetime!(2026-05-04 09:30:12.345678949 UTC);
        assert_eq!(ticks(time), "2026-05-04T09:30:12.3456789");
        assert_eq!(milliseconds(time), "2026-05-04T09:30:12.345");
        let half = datetime!(2026-05-04 09:30:12.5 UTC);
        assert_eq!(ticks(half), "2026-05-04T09:30:12.5");
        assert_eq!(milliseconds(half), "2026-05-04T09:30:12.5");
        let whole = datetime!(2026-05-04 09:30:10 UTC);
        assert_eq!(ticks(whole), "2026-05-04T09:30:10");
        assert_eq!(milliseconds(whole), "2026-05-04T09:30:10");
    }

    #[test]
    fn a_known_key_keeps_its_spelling_and_place_and_a_trigger_is_not_sent() {
        let mut metadata = Metadata::default();
        for (key, value) in [
            ("A", 1),
            ("myTrigger", 2),
            ("b\u{17f}ß", 3),
            ("a", 4),
            ("BSSS", 5),
        ] {
            metadata.value(key, &json!(value));
        }
        let mut json = String::new();
        metadata.write(&mut json);
        assert_eq!(json, "{\"A\":\"4\",\"b\u{17f}ß\":\"3\",\"BSSS\":\"5\"}");
    }
}
