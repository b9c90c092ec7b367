//! Requests and replies: tokens put to `$cbs`, and management, which is not offered.

use std::collections::VecDeque;

use fe2o3_amqp_types::definitions::{Handle, MessageFormat};
use fe2o3_amqp_types::messaging::{AmqpValue, ApplicationProperties, MessageId, Properties};
use fe2o3_amqp_types::performatives::{Performative, Transfer};
use fe2o3_amqp_types::primitives::{SimpleValue, Value};
use serde_bytes::ByteBuf;

use super::access::Access;
use super::frame::put_frame;
use super::link::IncomingDelivery;
use super::message;
use super::node::Node;
use super::shared::AmqpShared;

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

    /// Sends what waits, as far as the credit goes; `next` is the session's next number.
    pub(super) fn send(&mut self, channel: u16, handle: u32, next: &mut u32, out: &mut Vec<u8>) {
        while self.credit > 0 {
            let Some(reply) = self.waiting.pop_front() else {
                return;
            };
            let transfer = Transfer {
                handle: Handle(handle),
                delivery_id: Some(*next),
                delivery_tag: Some(ByteBuf::from(next.to_be_bytes())),
                message_format: Some(MessageFormat::default()),
                settled: Some(true),
                more: false,
                rcv_settle_mode: None,
                state: None,
                resume: false,
                aborted: false,
                batchable: false,
            };
            put_frame(out, channel, &Performative::Transfer(transfer), &reply);
            *next = next.wrapping_add(1);
            self.count = self.count.wrapping_add(1);
            self.credit -= 1;
        }
    }
}

/// Answers a request: where to, and the reply as an encoded message. Nothing for what cannot be
/// read.
pub(super) fn answer(
    node: &Node,
    request: IncomingDelivery,
    access: &mut Access,
    shared: &AmqpShared,
) -> Option<(Option<String>, Vec<u8>)> {
    let request = message::decode(&request.into_bytes().ok()?).ok()?;
    let asked = |name: &str| {
        let properties = request.application_properties.as_ref()?;
        match properties.0.get(name)? {
            SimpleValue::String(text) => Some(text.clone()),
            SimpleValue::Symbol(text) => Some(text.as_str().to_owned()),
            _ => None,
        }
    };
    let operation = asked("operation").unwrap_or_default();
    let (code, description) = match (node, operation.as_str()) {
        (Node::Cbs, "put-token") => {
            let token = message::text(&request.body).unwrap_or_default();
            let audience = asked("name").unwrap_or_default();
            match access.put_token(&token, &audience, shared) {
                Ok(()) => (202, "Accepted".to_owned()),
                Err(problem) => (401, problem),
            }
        }
        (Node::Cbs, other) => (
            400,
            format!("$cbs: expected the operation put-token, found {other:?}"),
        ),
        (_, other) => (
            501,
            format!("$management: the local stack does not offer {other:?}"),
        ),
    };
    let (id, reply_to) = request.properties.map_or((None, None), |properties| {
        (properties.message_id, properties.reply_to)
    });
    Some((reply_to, reply(node, id, code, description)?))
}

fn reply(
    node: &Node,
    request: Option<MessageId>,
    code: i32,
    description: String,
) -> Option<Vec<u8>> {
    // Two dialects: the words of `$cbs` are joined by dashes.
    let (code_name, description_name) = match node {
        Node::Cbs => ("status-code", "status-description"),
        _ => ("statusCode", "statusDescription"),
    };
    let properties = Properties {
        correlation_id: request,
        ..Properties::default()
    };
    let status = ApplicationProperties::builder()
        .insert(code_name, code)
        .insert(description_name, description)
        .build();
    let mut reply = serde_amqp::to_vec(&properties).ok()?;
    reply.extend(serde_amqp::to_vec(&status).ok()?);
    reply.extend(serde_amqp::to_vec(&AmqpValue(Value::Null)).ok()?);
    Some(reply)
}
