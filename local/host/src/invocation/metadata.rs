//! Metadata of a single dispatch: the broker's properties, in the order the host sends them.

use bus::Delivery;
use serde_json::{Map, Value, json};
use stand_in::newtonsoft;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::{Envelope, InvocationStamp};

const SECONDS: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");

pub(super) fn metadata_of(
    envelope: &Envelope,
    delivery: &Delivery,
    stamp: &InvocationStamp,
) -> Map<String, Value> {
    let accepted = &delivery.accepted;
    let properties = &accepted.message.properties;
    let mut metadata = Metadata(Map::new());
    metadata.receiver(envelope);
    metadata.value("DeliveryCount", delivery.delivery_count);
    metadata.value("LockToken", delivery.lock_token.to_string());
    metadata.time("ExpiresAt", accepted.expires);
    metadata.time("EnqueuedTime", accepted.enqueued);
    metadata.text("MessageId", properties.message_id.as_deref());
    metadata.text("ContentType", properties.content_type.as_deref());
    metadata.text("ReplyTo", properties.reply_to.as_deref());
    metadata.value("SequenceNumber", accepted.sequence);
    metadata.text("To", properties.to.as_deref());
    metadata.text("Subject", properties.label.as_deref());
    metadata.text("Label", properties.label.as_deref());
    metadata.text("CorrelationId", properties.correlation_id.as_deref());
    metadata.raw(
        "ApplicationProperties",
        properties.application.clone().into(),
    );
    metadata.raw("UserProperties", properties.application.clone().into());
    metadata.text("SessionId", properties.session_id.as_deref());
    metadata.text(
        "ReplyToSessionId",
        properties.reply_to_session_id.as_deref(),
    );
    metadata.text("PartitionKey", properties.partition_key.as_deref());
    let sys = json!({
        "MethodName": envelope.function,
        "UtcNow": format!("{}Z", ticks(stamp.utc_now)),
        "RandGuid": stamp.rand_guid.to_string(),
    });
    metadata.raw("sys", sys);
    metadata.0
}

struct Metadata(Map<String, Value>);

impl Metadata {
    fn receiver(&mut self, envelope: &Envelope) {
        let actions = match envelope.session_locked_until {
            Some(end) => json!({ "SessionLockedUntil": format!("{}+00:00", ticks(end)) }),
            None => json!({}),
        };
        for key in [
            "MessageReceiver",
            "MessageSession",
            "MessageActions",
            "SessionActions",
        ] {
            self.raw(key, actions.clone());
        }
        self.raw("ReceiveActions", json!({}));
        let client = json!({
            "FullyQualifiedNamespace": envelope.namespace,
            "IsClosed": false,
            "TransportType": 0,
            "Identifier": format!("{}-{}", envelope.namespace, envelope.client_id),
        });
        self.raw("Client", client);
    }

    fn raw(&mut self, key: &str, value: Value) {
        self.0.insert(key.to_owned(), value);
    }

    fn value(&mut self, key: &str, value: impl Into<Value>) {
        self.raw(key, newtonsoft::value(&value.into()));
    }

    /// A property that is not set is left out.
    fn text(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.value(key, text);
        }
    }

    /// Twice: without a zone, which is UTC all the same, and with one. Whole seconds.
    fn time(&mut self, key: &str, time: OffsetDateTime) {
        // Formatting numbers cannot fail: the components are all there.
        let text = time.format(SECONDS).unwrap_or_default();
        self.raw(&format!("{key}Utc"), text.as_str().into());
        self.raw(key, format!("{text}+00:00").into());
    }
}

/// Down to .NET's ticks of 100 ns, without trailing zeros.
fn ticks(time: OffsetDateTime) -> String {
    let seconds = time.format(SECONDS).unwrap_or_default();
    let text = format!("{seconds}.{:07}", time.nanosecond() / 100);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn fractions_are_ticks_without_trailing_zeros() {
        assert_eq!(
            ticks(datetime!(2026-05-04 09:30:12.345678949 UTC)),
            "2026-05-04T09:30:12.3456789"
        );
        assert_eq!(
            ticks(datetime!(2026-05-04 09:30:12.5 UTC)),
            "2026-05-04T09:30:12.5"
        );
        assert_eq!(
            ticks(datetime!(2026-05-04 09:30:10 UTC)),
            "2026-05-04T09:30:10"
        );
    }
}
