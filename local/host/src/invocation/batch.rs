//! Metadata of many messages: an array for each of the broker's properties, nulls included, in which
//! item i is of message i.

use bus::{Delivery, Properties};
use serde_json::Value;
use time::OffsetDateTime;

use super::metadata::{Metadata, milliseconds};

impl Metadata {
    /// The broker's properties, in the order the host sends them. Its times keep their fractions
    /// here.
    pub(super) fn arrays(&mut self, deliveries: &[Delivery]) {
        let all = Deliveries(deliveries);
        self.array("DeliveryCount", &all.each(|it| it.delivery_count.into()));
        self.array("DeadLetterSource", &all.each(|_| Value::Null));
        self.array(
            "LockToken",
            &all.each(|it| it.lock_token.to_string().into()),
        );
        self.times("ExpiresAt", all, |it| it.accepted.expires);
        self.times("EnqueuedTime", all, |it| it.accepted.enqueued);
        self.array("MessageId", &all.texts(|it| &it.message_id));
        self.array("ContentType", &all.texts(|it| &it.content_type));
        self.array("ReplyTo", &all.texts(|it| &it.reply_to));
        self.array(
            "SequenceNumber",
            &all.each(|it| it.accepted.sequence.into()),
        );
        self.array("To", &all.texts(|it| &it.to));
        self.array("Subject", &all.texts(|it| &it.label));
        self.array("Label", &all.texts(|it| &it.label));
        self.array("CorrelationId", &all.texts(|it| &it.correlation_id));
        let application = |it: &Delivery| it.accepted.message.properties.application.clone().into();
        self.array("ApplicationProperties", &all.each(application));
        self.array("UserProperties", &all.each(application));
        self.array("SessionId", &all.texts(|it| &it.session_id));
        self.array("ReplyToSessionId", &all.texts(|it| &it.reply_to_session_id));
        // The extension fills the last one from the partition keys too.
        self.array("PartitionKey", &all.texts(|it| &it.partition_key));
        self.array(
            "TransactionPartitionKey",
            &all.texts(|it| &it.partition_key),
        );
    }

    fn array(&mut self, key: &str, items: &Value) {
        self.value(&format!("{key}Array"), items);
    }

    fn times(&mut self, key: &str, all: Deliveries<'_>, time: fn(&Delivery) -> OffsetDateTime) {
        let form = |zone: &'static str| {
            move |it: &Delivery| format!("{}{zone}", milliseconds(time(it))).into()
        };
        self.array(&format!("{key}Utc"), &all.each(form("")));
        self.array(key, &all.each(form("+00:00")));
    }
}

#[derive(Clone, Copy)]
struct Deliveries<'a>(&'a [Delivery]);

impl Deliveries<'_> {
    fn each(self, value: impl Fn(&Delivery) -> Value) -> Value {
        self.0.iter().map(value).collect()
    }

    fn texts(self, text: fn(&Properties) -> &Option<String>) -> Value {
        self.each(|it| text(&it.accepted.message.properties).clone().into())
    }
}
