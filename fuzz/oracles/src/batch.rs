//! Batches: any list is read or refused in bounded memory, each item gets its own properties or
//! none, and what the host encodes of many messages is what the handler reads of each.

use arbitrary::{Arbitrary, Unstructured};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use order_items_reserver::invocation;
use order_items_reserver::invocation::{Invocation, MESSAGES_MAX};
use order_items_reserver::order::{Delivery, EnqueuedTime, SequenceNumber};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::invocation::check_request;

/// The input is the text of a list within a request; then it is the material for a batch, which is
/// encoded as the host does it, and then damaged as no host would.
pub fn check(data: &[u8]) {
    let list = Value::from(String::from_utf8_lossy(data));
    for metadata in ["{}", r#"{"MessageIdArray":"[\"a\",null]"}"#] {
        let request = format!(r#"{{"Data":{{"order":{list}}},"Metadata":{metadata}}}"#);
        check_request(request.as_bytes());
    }
    if let Ok(batch) = Batch::arbitrary_take_rest(Unstructured::new(data)) {
        batch.check_encoded();
        batch.check_damaged();
    }
}

/// A message of a batch, and what the broker says of it.
#[derive(Arbitrary, Debug)]
struct Message {
    body: Vec<u8>,
    id: Option<String>,
    session: Option<String>,
    sequence: u64,
    enqueued: u32,
    /// The fraction of its second, which a batch keeps.
    nanoseconds: u32,
    delivery_count: u32,
}

/// Many of them.
#[derive(Arbitrary, Debug)]
struct Batch {
    messages: Vec<Message>,
    /// How many entries one of the lists is short, or long by.
    off_by: u8,
    longer: bool,
}

impl Message {
    fn time(&self) -> OffsetDateTime {
        let second = OffsetDateTime::from_unix_timestamp(self.enqueued.into()).expect("a time");
        second + time::Duration::nanoseconds((self.nanoseconds % 1_000_000_000).into())
    }

    /// As in JSON of .NET: no zone, and a fraction without zeros at its end.
    fn written(&self) -> String {
        let text = self.time().to_string();
        let (date, rest) = text.split_once(' ').expect("date and time");
        let (time, _zone) = rest.split_once(' ').expect("time and zone");
        let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
        let hour = clock.split(':').next().unwrap_or_default();
        let padded = if hour.len() == 1 { "0" } else { "" };
        match fraction {
            "0" => format!("{date}T{padded}{clock}"),
            fraction => format!("{date}T{padded}{clock}.{fraction}"),
        }
    }

    fn assert_told(&self, read: &Delivery) {
        assert_eq!(read.message_id, self.id);
        assert_eq!(read.session_id, self.session);
        assert_eq!(read.sequence_number, Some(SequenceNumber(self.sequence)));
        assert_eq!(read.enqueued, Some(EnqueuedTime::from(self.time())));
        assert_eq!(read.delivery_count, Some(self.delivery_count));
    }
}

impl Batch {
    fn column(&self, value: impl Fn(&Message) -> Value) -> Vec<Value> {
        self.messages.iter().map(value).collect()
    }

    /// Written against the captured requests of a real host, not against our parser.
    fn encoded(&self, items: &[Value], numbers: &[Value]) -> Vec<u8> {
        let text = |values: Vec<Value>| Value::from(values).to_string();
        let metadata = json!({
            "MessageReceiver": {},
            "DeliveryCountArray": text(self.column(|it| json!(it.delivery_count))),
            "LockTokenArray": text(self.column(|_| json!("5d9e2a8c-4c55-4d0c-9a30-1f4f1a2b3c40"))),
            "EnqueuedTimeUtcArray": text(self.column(|it| json!(it.written()))),
            "EnqueuedTimeArray": text(self.column(|it| json!(it.written() + "+00:00"))),
            "MessageIdArray": text(self.column(|it| json!(it.id))),
            "SequenceNumberArray": text(numbers.to_vec()),
            "ApplicationPropertiesArray": text(self.column(|_| json!({}))),
            "SessionIdArray": text(self.column(|it| json!(it.session))),
            "sys": {"MethodName": "OrderItemsReserver"},
        });
        json!({"Data": {"order": text(items.to_vec())}, "Metadata": metadata})
            .to_string()
            .into_bytes()
    }

    fn read(request: &[u8]) -> Vec<Delivery> {
        match invocation::parse(request) {
            Ok(Invocation::Many(deliveries)) => deliveries,
            other => panic!("{other:?}"),
        }
    }

    fn numbers(&self) -> Vec<Value> {
        self.column(|it| json!(it.sequence))
    }

    fn bytes(&self) -> Vec<Value> {
        self.column(|it| json!(STANDARD.encode(&it.body)))
    }

    fn texts(&self) -> Vec<Value> {
        self.column(|it| json!(String::from_utf8_lossy(&it.body)))
    }

    /// Byte for byte, in the order of the batch, each with the broker's word of it; in text mode
    /// but for a batch whose texts all happen to be base64.
    fn check_encoded(&self) {
        let bytes = self.encoded(&self.bytes(), &self.numbers());
        if self.messages.is_empty() || self.messages.len() > MESSAGES_MAX {
            invocation::parse(&bytes).expect_err("no batch");
            return;
        }
        let texts = self.encoded(&self.texts(), &self.numbers());
        let base64 = |it: &Message| STANDARD.decode(&*String::from_utf8_lossy(&it.body)).is_ok();
        let all_base64 = self.messages.iter().all(base64);
        for (request, is_text) in [(bytes, false), (texts, true)] {
            let read = Self::read(&request);
            assert_eq!(read.len(), self.messages.len());
            for (read, message) in read.iter().zip(&self.messages) {
                message.assert_told(read);
                match is_text {
                    true if all_base64 => {}
                    true => {
                        let text = String::from_utf8_lossy(&message.body);
                        assert_eq!(read.body, text.as_bytes());
                    }
                    false => assert_eq!(read.body, message.body),
                }
            }
        }
    }

    /// A list of another length gives no item a number, least of all its neighbour's; everything
    /// else is still told.
    fn check_damaged(&self) {
        let count = self.messages.len();
        if !(1..=MESSAGES_MAX).contains(&count) || self.off_by == 0 {
            return;
        }
        let mut numbers = self.numbers();
        match self.longer {
            true => numbers.resize(count + usize::from(self.off_by), json!(7)),
            false => numbers.truncate(count.saturating_sub(self.off_by.into())),
        }
        let read = Self::read(&self.encoded(&self.bytes(), &numbers));
        for (read, message) in read.iter().zip(&self.messages) {
            assert_eq!(read.sequence_number, None);
            assert_eq!(read.message_id, message.id);
            assert_eq!(read.session_id, message.session);
            assert_eq!(read.body, message.body);
        }
    }
}
