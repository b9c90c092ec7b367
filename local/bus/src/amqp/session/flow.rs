//! Flow control: how many deliveries and transfers each side may send ahead.

use fe2o3_amqp_types::definitions::{Handle, SessionError};
use fe2o3_amqp_types::performatives::{Flow, Performative};

use super::{Link, Session, SessionStop, WINDOW};
use crate::amqp::context::SessionContext;
use crate::amqp::link::CREDIT;

impl Session {
    /// Takes the client's credit and window, and answers when it asks for a flow.
    pub(super) fn flow(
        &mut self,
        flow: &Flow,
        context: &mut SessionContext<'_>,
    ) -> Result<(), SessionStop> {
        self.outbox.take_window(flow, context.out);
        let handle = flow.handle.as_ref().map(|handle| handle.0);
        if let Some(handle) = handle {
            match self.links.get_mut(&handle) {
                Some(Link::Replies(_, replies)) => {
                    replies.credit(
                        flow.delivery_count.unwrap_or_default(),
                        flow.link_credit.unwrap_or_default(),
                    );
                    replies.send(handle, &mut self.outbox, context.out);
                }
                Some(Link::Receiver(receiver)) => receiver.flow(flow),
                // It comes with the attach that is not answered yet.
                Some(Link::Waiting(waiting)) => waiting.flow = Some(flow.clone()),
                Some(_) => {}
                None => {
                    let problem = format!("a flow for handle {handle}, which has no link");
                    return self.refuse(SessionError::UnattachedHandle, problem, context);
                }
            }
        }
        if flow.echo {
            self.put_flow(handle, context);
        }
        Ok(())
    }

    pub(super) fn grant_when_low(&mut self, handle: u32, context: &mut SessionContext<'_>) {
        let link = self.links.get_mut(&handle).and_then(Link::incoming_mut);
        if link.is_some_and(|incoming| incoming.runs_low()) {
            self.grant(handle, context);
        }
    }

    /// Fills up the client's credit.
    pub(super) fn grant(&mut self, handle: u32, context: &mut SessionContext<'_>) {
        if let Some(incoming) = self.links.get_mut(&handle).and_then(Link::incoming_mut) {
            incoming.credit = CREDIT;
        }
        self.put_flow(Some(handle), context);
    }

    /// Tells the session's window, and with a handle the state of that link.
    pub(super) fn put_flow(&mut self, handle: Option<u32>, context: &mut SessionContext<'_>) {
        self.put_link_flow(handle, false, context);
    }

    pub(super) fn put_link_flow(
        &mut self,
        handle: Option<u32>,
        drained: bool,
        context: &mut SessionContext<'_>,
    ) {
        self.since_flow = 0;
        let (count, credit) = match handle.and_then(|handle| self.links.get(&handle)) {
            Some(Link::Queue(_, incoming) | Link::Requests(_, incoming)) => {
                (Some(incoming.count), Some(incoming.credit))
            }
            Some(Link::Replies(_, replies)) => (Some(replies.count), Some(replies.credit)),
            Some(Link::Receiver(receiver)) => (Some(receiver.count), Some(receiver.credit)),
            _ => (None, None),
        };
        let flow = Flow {
            next_incoming_id: Some(self.next_incoming),
            incoming_window: WINDOW,
            next_outgoing_id: self.outbox.next_transfer,
            outgoing_window: WINDOW,
            handle: handle.filter(|_| count.is_some()).map(Handle),
            delivery_count: count,
            link_credit: credit,
            available: None,
            drain: drained,
            echo: false,
            properties: None,
        };
        context.put(self.channel, &Performative::Flow(flow));
    }
}
