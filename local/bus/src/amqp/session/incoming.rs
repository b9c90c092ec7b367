//! What the client sends: deliveries are put together from transfers, acted on, and answered.

use fe2o3_amqp_types::definitions::{Role, SessionError};
use fe2o3_amqp_types::messaging::{Accepted, DeliveryState};
use fe2o3_amqp_types::performatives::{Disposition, Performative, Transfer};

use super::{Link, Session, SessionStop, WINDOW};
use crate::amqp::context::SessionContext;
use crate::amqp::link::{Added, IncomingDelivery};
use crate::amqp::node::Node;
use crate::amqp::refusal::AmqpRefusal;
use crate::amqp::{answering, message};
use crate::faults::Met;
use crate::queue::Queue;

impl Session {
    pub(super) fn transfer(
        &mut self,
        transfer: &Transfer,
        payload: &[u8],
        context: &mut SessionContext<'_>,
    ) -> Result<(), SessionStop> {
        self.next_incoming = self.next_incoming.wrapping_add(1);
        self.since_flow += 1;
        let handle = transfer.handle.0;
        let added = match self.links.get_mut(&handle) {
            Some(Link::Queue(_, incoming) | Link::Requests(_, incoming)) => {
                incoming.add(transfer, payload)
            }
            Some(Link::Detaching) => Ok(Added::Part),
            _ => {
                let problem =
                    format!("a transfer on handle {handle}, where no link of the client's sends");
                return self.refuse(SessionError::UnattachedHandle, problem, context);
            }
        };
        match added {
            Ok(Added::Part) => {}
            Ok(Added::Whole(delivery)) => {
                self.delivered(handle, delivery, context)?;
                self.grant_when_low(handle, context);
            }
            // It is settled without a word, but it has taken a credit like any other.
            Ok(Added::Aborted) => self.grant_when_low(handle, context),
            Err(refusal) => self.detach(handle, refusal, context),
        }
        if self.since_flow >= WINDOW / 2 {
            self.put_flow(None, context);
        }
        Ok(())
    }

    /// Acts on a whole delivery, and tells the client only then.
    fn delivered(
        &mut self,
        handle: u32,
        delivery: IncomingDelivery,
        context: &mut SessionContext<'_>,
    ) -> Result<(), SessionStop> {
        let (id, settled) = (delivery.id, delivery.settled);
        let outcome = match self.links.get(&handle) {
            Some(Link::Queue(queue, _)) => {
                let faults = &context.shared.options.faults;
                match faults.around(|| enqueue(queue, delivery), AmqpRefusal::broken) {
                    Met::Answered(outcome) => outcome,
                    Met::Unanswered => return Ok(()),
                    Met::HungUp => return Err(SessionStop::HungUp),
                }
            }
            Some(Link::Requests(node, _)) => {
                let node = node.clone();
                self.answer(&node, delivery, context);
                Ok(())
            }
            _ => return Ok(()),
        };
        if !settled {
            let disposition = Disposition {
                role: Role::Receiver,
                first: id,
                last: None,
                settled: true,
                state: Some(match outcome {
                    Ok(()) => DeliveryState::Accepted(Accepted {}),
                    Err(refusal) => refusal.into_outcome(),
                }),
                batchable: false,
            };
            context.put(self.channel, &Performative::Disposition(disposition));
        }
        Ok(())
    }

    /// Answers a request on the link its sender listens on.
    fn answer(&mut self, node: &Node, request: IncomingDelivery, context: &mut SessionContext<'_>) {
        let answer = answering::answer(node, request, context);
        let Some((reply_to, reply)) = answer else {
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
            replies.send(handle, &mut self.outbox, context.out);
        }
    }
}

/// Puts all messages of a delivery into the queue, or none.
fn enqueue(queue: &Queue, delivery: IncomingDelivery) -> Result<(), AmqpRefusal> {
    let messages = message::of_delivery(delivery.format, &delivery.into_bytes()?)?;
    // Accepted or a duplicate: the publisher sees no difference.
    queue
        .send(messages)
        .map_err(|refused| AmqpRefusal::of(&refused))?;
    Ok(())
}
