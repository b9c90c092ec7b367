//! A message as the Functions host hands it out, with `"dataType": "binary"`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use order_items_reserver::order::{EnqueuedTime, Order, Position, SequenceNumber, SessionId};
use serde_json::{Value, json};
use time::Duration;
use time::format_description::well_known::Rfc3339;
use time::macros::datetime;

/// The trace that all messages belong to.
pub(crate) const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// One message; number and time rise together, as the broker gives them.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) session: String,
    pub(crate) sequence: u64,
    pub(crate) id: String,
    pub(crate) delivery_count: u32,
    pub(crate) body: Bytes,
}

impl Message {
    /// A cart with what a re-serialising store would lose: spaces, key order, an unknown field, a
    /// number beyond 64 bits, escapes.
    pub(crate) fn new(session: &str, sequence: u64) -> Self {
        let body = format!(
            r#"{{ "zeta":1.50, "id" : {id}, "email":"shopper@example.com",
               "products":[{{"id":8,"name":"K\u00e4tzchen é 🐈","quantity":{sequence}}}],"big":12345678901234567890123 }}"#,
            id = json!(session),
        );
        Self {
            session: session.to_owned(),
            sequence,
            id: format!("message-{sequence}"),
            delivery_count: 1,
            body: body.into(),
        }
    }

    /// The same message, handed out once more.
    pub(crate) fn again(&self) -> Self {
        Self {
            delivery_count: self.delivery_count + 1,
            ..self.clone()
        }
    }

    fn enqueued(&self) -> time::OffsetDateTime {
        datetime!(2026-05-04 09:30:10 UTC) + Duration::seconds(self.sequence.try_into().unwrap())
    }

    /// What the host posts.
    pub(crate) fn invocation(&self) -> Vec<u8> {
        let enqueued = self.enqueued().format(&Rfc3339).unwrap();
        let body = json!({
            "Data": { "order": STANDARD.encode(&self.body) },
            "Metadata": {
                "DeliveryCount": self.delivery_count.to_string(),
                "EnqueuedTimeUtc": enqueued.trim_end_matches('Z'),
                "MessageId": json!(self.id).to_string(),
                "ContentType": "\"application/json\"",
                "SequenceNumber": self.sequence.to_string(),
                "CorrelationId": format!("\"00-{TRACE_ID}-00f067aa0ba902b7-01\""),
                "SessionId": json!(self.session).to_string(),
                "sys": { "MethodName": "OrderItemsReserver" }
            }
        });
        body.to_string().into_bytes()
    }

    /// What the host posts of many, with `"cardinality": "many"`.
    pub(crate) fn batch(messages: &[Self]) -> Vec<u8> {
        let column = |value: fn(&Self) -> Value| {
            let values: Vec<Value> = messages.iter().map(value).collect();
            Value::from(values).to_string()
        };
        let body = json!({
            "Data": { "order": column(|it| json!(STANDARD.encode(&it.body))) },
            "Metadata": {
                "DeliveryCountArray": column(|it| json!(it.delivery_count)),
                "EnqueuedTimeUtcArray": column(|it| json!(it.enqueued().format(&Rfc3339).unwrap())),
                "MessageIdArray": column(|it| json!(it.id)),
                "SequenceNumberArray": column(|it| json!(it.sequence)),
                "SessionIdArray": column(|it| json!(it.session)),
                "CorrelationIdArray":
                    column(|_| json!(format!("00-{TRACE_ID}-00f067aa0ba902b7-01"))),
            }
        });
        body.to_string().into_bytes()
    }

    /// What the product makes of it.
    pub(crate) fn order(&self) -> Order {
        Order {
            session: SessionId::new(self.session.clone()).unwrap(),
            body: self.body.clone(),
            position: Some(Position {
                sequence: SequenceNumber(self.sequence),
                enqueued: EnqueuedTime::from(self.enqueued()),
            }),
            message_id: Some(self.id.clone()),
            trace: None,
        }
    }

    /// Where it is stored.
    pub(crate) fn blob_name(&self) -> String {
        let session = SessionId::new(self.session.clone()).unwrap();
        session.blob_name().as_str().to_owned()
    }
}
