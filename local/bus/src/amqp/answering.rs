//! Requests are answered: tokens put to `$cbs`, and what is asked of a queue's management node.

use fe2o3_amqp_types::primitives::Value;

use super::context::SessionContext;
use super::link::IncomingDelivery;
use super::node::Node;
use super::requests::{AskedFor, Reply, encode};
use super::{management, message};

/// Answers a request: where to, and the reply as an encoded message. Nothing for what cannot be
/// read.
pub(super) fn answer(
    node: &Node,
    request: IncomingDelivery,
    context: &mut SessionContext<'_>,
) -> Option<(Option<String>, Vec<u8>)> {
    let raw = message::decode(&request.into_bytes().ok()?).ok()?;
    let mut asked = AskedFor {
        operation: String::new(),
        raw,
    };
    asked.operation = asked.text("operation").unwrap_or_default();
    let reply = match node {
        Node::Management(entity) => management::answer(entity, &asked, context),
        _ => put_token(&asked, context),
    };
    let properties = asked.raw.properties;
    let (id, reply_to) = properties.map_or((None, None), |properties| {
        (properties.message_id, properties.reply_to)
    });
    let encoded = encode(reply, id, reply_to.clone())?;
    Some((reply_to, encoded))
}

fn put_token(asked: &AskedFor, context: &mut SessionContext<'_>) -> Reply {
    let (code, description) = if asked.operation == "put-token" {
        let token = message::text(&asked.raw.body).unwrap_or_default();
        let audience = asked.text("name").unwrap_or_default();
        match context.access.put_token(&token, &audience, context.shared) {
            Ok(()) => (202, "Accepted".to_owned()),
            Err(problem) => (401, problem),
        }
    } else {
        let found = &asked.operation;
        let problem = format!("$cbs: expected the operation put-token, found {found:?}");
        (400, problem)
    };
    Reply {
        code,
        description,
        condition: None,
        body: Value::Null,
    }
}
