//! The links of a session: which are offered, and how an attach is answered.

use fe2o3_amqp_types::definitions::{AmqpError, ReceiverSettleMode, Role};
use fe2o3_amqp_types::messaging::{Target, TargetArchetype};
use fe2o3_amqp_types::performatives::Attach;

use crate::amqp::access::Access;
use crate::amqp::link::{Incoming, LARGEST_MESSAGE};
use crate::amqp::node::Node;
use crate::amqp::refusal::Refusal;
use crate::amqp::requests::Replies;
use crate::amqp::shared::Shared;
use crate::queue::Queue;

/// What a handle stands for.
#[derive(Debug)]
pub(super) enum Link {
    /// To a queue.
    Queue(Queue, Incoming),
    /// To `$cbs` or a management node.
    Requests(Node, Incoming),
    /// From one of those.
    Replies(Node, Replies),
    /// Refused or cut by us: the client's own detach is awaited.
    Leaving,
}

impl Link {
    /// A link on which the client sends.
    pub(super) fn incoming(
        attach: &Attach,
        access: &Access,
        shared: &Shared,
    ) -> Result<Self, Refusal> {
        // .NET's client leaves it out.
        let incoming = Incoming::new(attach.initial_delivery_count.unwrap_or_default());
        let Some(address) = target_address(attach) else {
            let problem = "expected the name of a queue as the target's address";
            return Err(Refusal::new(AmqpError::InvalidField, problem));
        };
        match Node::of(address) {
            Node::Queue(name) => {
                let queue = shared.queue(&name);
                let queue = queue.ok_or_else(|| Refusal::no_such_queue(&name, shared))?;
                access.to(queue.name(), shared)?;
                Ok(Self::Queue(queue.clone(), incoming))
            }
            node => Ok(Self::Requests(node, incoming)),
        }
    }

    /// A link on which the client wants to receive.
    pub(super) fn outgoing(attach: &Attach) -> Result<Self, Refusal> {
        let source = attach.source.as_ref();
        let address = source
            .and_then(|source| source.address.as_deref())
            .unwrap_or_default();
        match Node::of(address) {
            Node::Queue(name) => Err(Refusal::receiving(&name)),
            node => {
                let target = target_address(attach).map(str::to_owned);
                Ok(Self::Replies(
                    node,
                    Replies::new(attach.name.clone(), target),
                ))
            }
        }
    }

    /// The state of a link on which the client sends.
    pub(super) fn incoming_mut(&mut self) -> Option<&mut Incoming> {
        match self {
            Self::Queue(_, incoming) | Self::Requests(_, incoming) => Some(incoming),
            Self::Replies(..) | Self::Leaving => None,
        }
    }
}

fn target_address(attach: &Attach) -> Option<&str> {
    match attach.target.as_deref()? {
        TargetArchetype::Target(target) => target.address.as_deref(),
    }
}

/// The other half of an attach. Without a terminus of our own it says that the link will be detached.
pub(super) fn answer_to(attach: Attach, accepted: bool) -> Attach {
    let sends = attach.role == Role::Receiver;
    let nowhere = || Box::new(TargetArchetype::Target(Target::default()));
    Attach {
        role: if sends { Role::Sender } else { Role::Receiver },
        // Python's client waits for ever in the other mode.
        rcv_settle_mode: ReceiverSettleMode::First,
        source: attach.source.filter(|_| accepted || !sends),
        // Node's client names none for its replies.
        target: match (accepted, sends) {
            (true, true) => Some(attach.target.unwrap_or_else(nowhere)),
            (false, false) => None,
            _ => attach.target,
        },
        unsettled: None,
        incomplete_unsettled: false,
        initial_delivery_count: sends.then_some(0),
        max_message_size: Some(LARGEST_MESSAGE as u64),
        offered_capabilities: None,
        desired_capabilities: None,
        properties: None,
        ..attach
    }
}
