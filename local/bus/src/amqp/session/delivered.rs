//! What happens to a delivery: messages go into their queue, requests are answered.

use fe2o3_amqp_types::definitions::Role;
use fe2o3_amqp_types::messaging::{Accepted, DeliveryState};
use fe2o3_amqp_types::performatives::{Disposition, Performative};

use super::links::Link;
use super::{Desk, Session};
use crate::amqp::link::Whole;
use crate::amqp::message;
use crate::amqp::node::Node;
use crate::amqp::refusal::Refusal;
use crate::amqp::requests;
use crate::queue::Queue;

impl Session {
    /// Acts on a whole delivery, and tells the client only then.
    pub(super) fn delivered(&mut self, handle: u32, whole: &Whole, desk: &mut Desk<'_>) {
        let (id, settled) = (whole.id, whole.settled);
        let state = match self.links.get(&handle) {
            Some(Link::Queue(queue, _)) => enqueue(queue, whole),
            Some(Link::Requests(node, _)) => {
                let node = node.clone();
                self.answer(&node, whole, desk);
                Ok(())
            }
            _ => return,
        };
        if !settled {
            let disposition = Disposition {
                role: Role::Receiver,
                first: id,
                last: None,
                settled: true,
                state: Some(match state {
                    Ok(()) => DeliveryState::Accepted(Accepted {}),
                    Err(refusal) => refusal.into_outcome(),
                }),
                batchable: false,
            };
            desk.put(self.channel, &Performative::Disposition(disposition));
        }
        if let Some(Link::Queue(_, incoming) | Link::Requests(_, incoming)) =
            self.links.get(&handle)
            && incoming.runs_low()
        {
            self.grant(handle, desk);
        }
    }

    /// Answers a request on the link its sender listens on.
    fn answer(&mut self, node: &Node, request: &Whole, desk: &mut Desk<'_>) {
        let Some((reply_to, reply)) = requests::answer(node, request, desk.access, desk.shared)
        else {
            return;
        };
        // Who names no link we know has only one that can be meant.
        let meant = self.links.iter().filter_map(|(handle, link)| match link {
            Link::Replies(from, replies) if from == node => {
                Some((replies.is_meant_by(reply_to.as_deref()), *handle))
            }
            _ => None,
        });
        let meant = meant.max().map(|(_, handle)| handle);
        if let Some(handle) = meant
            && let Some(Link::Replies(_, replies)) = self.links.get_mut(&handle)
        {
            replies.push(reply);
            replies.send(self.channel, handle, &mut self.next_outgoing, desk.out);
        }
    }
}

/// Puts all messages of a delivery into the queue, or none.
fn enqueue(queue: &Queue, whole: &Whole) -> Result<(), Refusal> {
    let messages = message::of_delivery(whole.format, whole.bytes()?)?;
    // Accepted or a duplicate: the publisher sees no difference.
    queue
        .send(messages)
        .map_err(|refused| Refusal::of(&refused))?;
    Ok(())
}
