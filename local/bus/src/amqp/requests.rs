//! Requests and replies as messages, and the link on which a client waits for replies.

use std::collections::VecDeque;

use bytes::BytesMut;
use fe2o3_amqp_types::messaging::{AmqpValue, ApplicationProperties, Body, MessageId, Properties};
use fe2o3_amqp_types::primitives::{OrderedMap, SimpleValue, Symbol, Value};

use super::message::RawMessage;
use super::outbox::Outbox;
use super::refusal::AmqpRefusal;

/// Replies kept for a client that gives no credit.
const WAITING_MAX: usize = 16;

/// A link on which the client waits for replies.
#[derive(Debug)]
pub(super) struct ReplyLink {
    name: String,
    address: Option<String>,
    pub(super) count: u32,
    /// Replies the client still takes.
    pub(super) credit: u32,
    waiting: VecDeque<Vec<u8>>,
}

impl ReplyLink {
    pub(super) fn new(name: String, address: Option<String>) -> Self {
        Self {
            name,
            address,
            count: 0,
            credit: 0,
            waiting: VecDeque::new(),
        }
    }

    /// Clients name their link by its target, and Node's by its name.
    pub(super) fn is_meant_by(&self, reply_to: Option<&str>) -> bool {
        reply_to.is_some_and(|name| name == self.name || Some(name) == self.address.as_deref())
    }

    pub(super) fn push(&mut self, reply: Vec<u8>) {
        if self.waiting.len() < WAITING_MAX {
            self.waiting.push_back(reply);
        }
    }

    /// The client's credit, given when it had seen `count` replies.
    pub(super) fn credit(&mut self, count: u32, credit: u32) {
        self.credit = count.wrapping_add(credit).wrapping_sub(self.count);
    }

    /// Sends what waits, as far as the credit and the session's window go. Beyond the window
    /// nothing is put into the outbox: an answer is a megabyte for a request of some bytes.
    pub(super) fn send(&mut self, handle: u32, outbox: &mut Outbox, out: &mut BytesMut) {
        while self.credit > 0 && !outbox.is_blocked() {
            let Some(reply) = self.waiting.pop_front() else {
                return;
            };
            let tag = self.count.to_be_bytes();
            outbox.put(handle, &tag, true, reply.into(), out);
            self.count = self.count.wrapping_add(1);
            self.credit -= 1;
        }
    }
}

/// What a request is answered with.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) code: i32,
    pub(super) description: String,
    /// The condition of an error.
    pub(super) condition: Option<String>,
    pub(super) body: Value,
}

impl Reply {
    pub(super) fn refused(code: i32, refusal: &AmqpRefusal) -> Self {
        let (condition, description) = refusal.told();
        Self {
            code,
            description,
            condition: Some(condition),
            body: Value::Null,
        }
    }
}

/// A request that has been read.
#[derive(Debug)]
pub(super) struct AskedFor {
    pub(super) operation: String,
    pub(super) raw: RawMessage,
}

impl AskedFor {
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let properties = self.raw.application_properties.as_ref()?;
        match properties.0.get(name)? {
            SimpleValue::String(text) => Some(text.clone()),
            SimpleValue::Symbol(text) => Some(text.as_str().to_owned()),
            _ => None,
        }
    }

    /// The named values of its body.
    pub(super) fn body(&self) -> Option<&OrderedMap<Value, Value>> {
        match &self.raw.body {
            Body::Value(AmqpValue(Value::Map(map))) => Some(map),
            _ => None,
        }
    }
}

/// The status in both spellings: clients differ in which one they read.
pub(super) fn encode(
    reply: Reply,
    request: Option<MessageId>,
    to: Option<String>,
) -> Option<Vec<u8>> {
    let properties = Properties {
        correlation_id: request,
        to,
        ..Properties::default()
    };
    let mut status = OrderedMap::new();
    for name in ["status-code", "statusCode"] {
        status.insert(name.to_owned(), SimpleValue::Int(reply.code));
    }
    for name in ["status-description", "statusDescription"] {
        let text = SimpleValue::String(reply.description.clone());
        status.insert(name.to_owned(), text);
    }
    for name in ["error-condition", "errorCondition"] {
        if let Some(condition) = &reply.condition {
            let condition = SimpleValue::Symbol(Symbol::from(condition.as_str()));
            status.insert(name.to_owned(), condition);
        }
    }
    let mut encoded = serde_amqp::to_vec(&properties).ok()?;
    encoded.extend(serde_amqp::to_vec(&ApplicationProperties(status)).ok()?);
    encoded.extend(serde_amqp::to_vec(&AmqpValue(reply.body)).ok()?);
    Some(encoded)
}
