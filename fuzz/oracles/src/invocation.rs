//! Invocations: any request is read or refused in bounded memory, and what the host encodes is what
//! the handler reads. [`crate::batch`] does the same with many messages at once.

use allocation_counter::measure;
use arbitrary::{Arbitrary, Unstructured};
use bus::{Accepted, Delivery as HandedOut, Message as Published};
use host::app::DataType;
use host::encode_invocation;
use order_items_reserver::azure_app::trace::TraceContext;
use order_items_reserver::invocation;
use order_items_reserver::invocation::{Invocation, InvocationError, session_within};
use order_items_reserver::order::Delivery;
use serde_json::json;
use serde_json::value::RawValue;
use time::OffsetDateTime;
use uuid::Uuid;

/// Bytes that a request may occupy while it is read: so many, and so many for each of its own. The
/// costliest are the keys of a body in text mode, which are collected twice.
const ALLOCATED_BASE: usize = 4 * 1024;
const ALLOCATED_PER_BYTE: usize = 40;

/// And of each message of a batch: a delivery without a body has a size, too.
const ALLOCATED_PER_MESSAGE: usize = 4 * size_of::<Delivery>();

/// The input is a request; then it is the material for a message that is encoded as the host does
/// it.
pub fn check(data: &[u8]) {
    check_request(data);
    if let Ok(message) = Message::arbitrary_take_rest(Unstructured::new(data)) {
        message.check_binary();
        message.check_text();
        message.check_object();
    }
}

pub(crate) fn check_request(request: &[u8]) {
    let mut parsed = None;
    let used = measure(|| parsed = Some(invocation::parse(request))).bytes_max;
    let deliveries = match parsed.expect("it was called") {
        Ok(Invocation::One(delivery)) => vec![delivery],
        Ok(Invocation::Many(deliveries)) => deliveries,
        Err(error) => {
            assert_named(&error);
            Vec::new()
        }
    };
    let allowed = ALLOCATED_BASE
        + ALLOCATED_PER_BYTE * request.len()
        + ALLOCATED_PER_MESSAGE * deliveries.len();
    assert!(used <= allowed as u64, "{used} bytes for {}", request.len());
    let _any = session_within(request);
    let bodies: usize = deliveries.iter().map(|one| one.body.len()).sum();
    assert!(bodies <= request.len(), "bodies out of nothing");
    for delivery in deliveries {
        let written = delivery.trace.map(|trace| trace.to_string());
        let again = written.as_deref().and_then(TraceContext::parse);
        assert_eq!(again, delivery.trace, "reads back as written");
    }
}

/// The one message of a request.
fn parse(request: &[u8]) -> Result<Delivery, InvocationError> {
    match invocation::parse(request)? {
        Invocation::One(delivery) => Ok(delivery),
        Invocation::Many(batch) => panic!("a batch of {} out of one message", batch.len()),
    }
}

/// A refusal names the key and what was expected, and quotes nothing: a request may hold an e-mail
/// address.
fn assert_named(error: &InvocationError) {
    let text = error.to_string();
    let expected = match error {
        InvocationError::NotAnInvocation(_) => r#"{"Data":{"order":…},"Metadata":{…}}"#,
        InvocationError::NoBinding => "the binding named `order` in function.json",
        InvocationError::List => "expected one message, or a string that holds the list",
        InvocationError::ListOfOne => r#""cardinality": "many" in function.json"#,
        InvocationError::NotAList(_) => "expected the JSON list of its messages' bodies",
        InvocationError::NoMessage => "expected 1 to 1000",
        InvocationError::TooMany(_) => "expected at most 1000: maxMessageBatchSize in host.json",
    };
    assert!(text.contains(expected), "{text}");
    assert!(!text.contains('@') && text.len() < 300, "{text}");
}

/// A message, and what the broker says of it.
#[derive(Arbitrary, Debug)]
struct Message {
    sequence: u64,
    enqueued: u32,
    delivery_count: u32,
    trace: Option<(u128, u64)>,
    session: Option<String>,
    id: String,
    body: Vec<u8>,
}

impl Message {
    fn traceparent(&self) -> Option<String> {
        self.trace
            .map(|(trace, span)| format!("00-{trace:032x}-{span:016x}-01"))
    }

    /// Ids of zeros are none.
    fn trace(&self) -> Option<String> {
        let (trace, span) = self.trace?;
        self.traceparent().filter(|_| trace != 0 && span != 0)
    }

    fn enqueued(&self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(self.enqueued.into()).expect("before 2107")
    }

    /// The request that the stack's host makes of it: written against the host's source, not
    /// against our parser.
    fn encoded(&self, data_type: DataType) -> Vec<u8> {
        let mut message = Published::new(self.body.clone()).with_id(self.id.clone());
        message.properties.session_id.clone_from(&self.session);
        message.properties.correlation_id = self.traceparent();
        let handed_out = HandedOut {
            accepted: Accepted {
                sequence: self.sequence,
                enqueued: self.enqueued(),
                expires: self.enqueued(),
                message,
            },
            delivery_count: self.delivery_count,
            lock_token: Uuid::nil(),
            locked_until: self.enqueued(),
        };
        encode_invocation(&handed_out, data_type).to_vec()
    }

    /// Byte for byte, and all of the broker's word.
    fn check_binary(&self) {
        let request = self.encoded(DataType::Binary);
        let read = parse(&request).expect("an invocation");
        assert_eq!(read.body, self.body);
        self.assert_told(&read);
        assert_eq!(session_within(&request), self.session, "{self:?}");
    }

    /// What is not valid text is lost on the host's side; of the broker's word nothing is forged by
    /// the body.
    fn check_text(&self) {
        let request = self.encoded(DataType::String);
        if serde_json::from_slice::<&RawValue>(&request).is_err() {
            // Newtonsoft reads more than JSON, and writes it again: `undefined`, `new Date(1)`.
            parse(&request).expect_err("no JSON");
            return;
        }
        let read = parse(&request).expect("an invocation");
        let body = String::from_utf8_lossy(&self.body);
        assert_eq!(read.body, body.as_bytes());
        if !body.trim_start().starts_with('{') {
            self.assert_told(&read);
        }
        let unforged = read.session_id.is_none() || read.session_id == self.session;
        assert!(unforged, "{read:?} of {self:?}");
        let number = read.sequence_number.map(|number| number.0);
        assert!(
            number.is_none_or(|read| read == self.sequence),
            "{number:?}"
        );
        let count = read.delivery_count;
        assert!(
            count.is_none_or(|read| read == self.delivery_count),
            "{count:?}"
        );
        let time = read.enqueued;
        assert!(
            time.is_none_or(|read| read == self.enqueued().into()),
            "{time:?}"
        );
        let id = read.message_id;
        assert!(id.as_ref().is_none_or(|read| *read == self.id), "{id:?}");
        let trace = read.trace.map(|trace| trace.to_string());
        assert!(trace.is_none() || trace == self.trace(), "{trace:?}");
    }

    /// A host that passes objects on as they are: the text of the object, to the last blank within
    /// it.
    fn check_object(&self) {
        let Some(object) = std::str::from_utf8(&self.body).ok().map(json_trimmed) else {
            return;
        };
        if !object.starts_with('{') || serde_json::from_str::<&RawValue>(object).is_err() {
            return;
        }
        let metadata = json!({ "SequenceNumber": self.sequence.to_string() });
        let request = format!(r#"{{"Data":{{"order":{object}}},"Metadata":{metadata}}}"#);
        match parse(request.as_bytes()) {
            Ok(read) => assert_eq!(read.body, object),
            // The envelope adds levels, and the parser's stack has an end.
            Err(error) => assert!(error.to_string().contains("recursion limit"), "{error}"),
        }
    }

    fn assert_told(&self, read: &Delivery) {
        assert_eq!(
            read.sequence_number.map(|number| number.0),
            Some(self.sequence)
        );
        assert_eq!(read.enqueued, Some(self.enqueued().into()));
        assert_eq!(read.delivery_count, Some(self.delivery_count));
        assert_eq!(read.message_id.as_ref(), Some(&self.id));
        assert_eq!(read.session_id, self.session);
        assert_eq!(read.trace.map(|trace| trace.to_string()), self.trace());
    }
}

/// Without the blanks that JSON allows around a value.
fn json_trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}
