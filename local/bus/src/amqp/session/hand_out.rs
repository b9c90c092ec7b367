//! What the client receives: sessions are locked for who waits for one, and messages handed out as
//! far as credit and window go.

use time::OffsetDateTime;

use super::attach::Tried;
use super::{Link, Session, Unsettled};
use crate::amqp::context::SessionContext;
use crate::amqp::handing;
use crate::amqp::refusal::AmqpRefusal;

/// Bytes that may wait for the socket before the queue is asked for more.
const OUT_ENOUGH: usize = 256 * 1024;

impl Session {
    /// Whether some link would take something that may come at any moment.
    pub(in crate::amqp) fn wants(&self, now: OffsetDateTime) -> bool {
        self.links.values().any(|link| match link {
            Link::Receiver(receiver) => !self.outbox.is_blocked() && receiver.wants(now),
            Link::Waiting(_) => true,
            _ => false,
        })
    }

    /// Whether it has a link on which something may come.
    pub(in crate::amqp) fn receives(&self) -> bool {
        let is_one = |link: &Link| matches!(link, Link::Receiver(_) | Link::Waiting(_));
        self.links.values().any(is_one)
    }

    /// When to look again although nothing has changed in the queue.
    pub(in crate::amqp) fn wakes(&self) -> Option<OffsetDateTime> {
        let times = self.links.values().filter_map(|link| match link {
            Link::Receiver(receiver) => receiver.wakes(),
            Link::Waiting(waiting) => Some(waiting.until),
            _ => None,
        });
        times.min()
    }

    /// Does all that can be done now for the links on which the client receives.
    pub(in crate::amqp) fn pump(&mut self, context: &mut SessionContext<'_>) {
        self.serve_waiting(context);
        self.send_replies(context);
        // In turns, so that a link with a large credit does not keep the others waiting.
        while self.hand_out_one_each(context) {}
        self.drain(context);
    }

    fn serve_waiting(&mut self, context: &mut SessionContext<'_>) {
        let waiting = self
            .links
            .iter()
            .filter(|(_, it)| matches!(it, Link::Waiting(_)));
        let waiting: Vec<u32> = waiting.map(|(handle, _)| *handle).collect();
        for handle in waiting {
            let Some(Link::Waiting(link)) = self.links.remove(&handle) else {
                continue;
            };
            match link.try_session(context) {
                Tried::StillWaits(link) => {
                    self.links.insert(handle, Link::Waiting(link));
                }
                Tried::Over(attach, link) => self.attached(*attach, link, context),
            }
        }
    }

    /// Answers that waited for the client's window.
    fn send_replies(&mut self, context: &mut SessionContext<'_>) {
        for (handle, link) in &mut self.links {
            if let Link::Replies(_, replies) = link {
                replies.send(*handle, &mut self.outbox, context.out);
            }
        }
    }

    /// Says whether somebody took something.
    fn hand_out_one_each(&mut self, context: &mut SessionContext<'_>) -> bool {
        let mut lost = Vec::new();
        let mut took = false;
        for (handle, link) in &mut self.links {
            let Link::Receiver(receiver) = link else {
                continue;
            };
            if self.outbox.is_blocked() || context.out.len() >= OUT_ENOUGH {
                return false;
            }
            match receiver.next(context.now) {
                Ok(None) => {}
                Ok(Some(handed_out)) => {
                    let settled = receiver.taker.deletes;
                    // As .NET lays a GUID out.
                    let tag = handed_out.token.to_bytes_le();
                    let payload = handing::encode(&handed_out, &receiver.source);
                    let id = self
                        .outbox
                        .put(*handle, &tag, settled, payload, context.out);
                    if !settled {
                        let (handle, token) = (*handle, handed_out.token);
                        self.unsettled.insert(id, Unsettled { handle, token });
                    }
                    took = true;
                }
                Err(_) => lost.push(*handle),
            }
        }
        for handle in lost {
            self.detach(handle, AmqpRefusal::session_lock_lost(), context);
        }
        took
    }

    /// Who wants its credit used up and has not got a message for it hears that it is gone.
    fn drain(&mut self, context: &mut SessionContext<'_>) {
        if self.outbox.is_blocked() || context.out.len() >= OUT_ENOUGH {
            return;
        }
        let mut drained = Vec::new();
        for (handle, link) in &mut self.links {
            if let Link::Receiver(receiver) = link {
                receiver.show();
                if receiver.drained() {
                    drained.push(*handle);
                }
            }
        }
        for handle in drained {
            self.put_link_flow(Some(handle), true, context);
        }
    }
}
