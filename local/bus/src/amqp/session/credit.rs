//! Flow control: how many deliveries and transfers each side may send ahead.

use fe2o3_amqp_types::definitions::Handle;
use fe2o3_amqp_types::performatives::{Flow, Performative};

use super::links::Link;
use super::{Desk, Session, WINDOW};
use crate::amqp::link::CREDIT;

impl Session {
    /// Takes the client's credit for replies, and answers when it asks for a flow.
    pub(super) fn flow(&mut self, flow: &Flow, desk: &mut Desk<'_>) {
        let handle = flow.handle.as_ref().map(|handle| handle.0);
        if let Some(handle) = handle
            && let Some(Link::Replies(_, replies)) = self.links.get_mut(&handle)
        {
            replies.credit(
                flow.delivery_count.unwrap_or_default(),
                flow.link_credit.unwrap_or_default(),
            );
            replies.send(self.channel, handle, &mut self.next_outgoing, desk.out);
        }
        if flow.echo {
            self.put_flow(
                handle.filter(|handle| self.links.contains_key(handle)),
                desk,
            );
        }
    }

    /// Fills up the client's credit.
    pub(super) fn grant(&mut self, handle: u32, desk: &mut Desk<'_>) {
        if let Some(incoming) = self.links.get_mut(&handle).and_then(Link::incoming_mut) {
            incoming.credit = CREDIT;
        }
        self.put_flow(Some(handle), desk);
    }

    /// Tells the session's window, and with a handle the state of that link.
    pub(super) fn put_flow(&mut self, handle: Option<u32>, desk: &mut Desk<'_>) {
        self.since_flow = 0;
        let (count, credit) = match handle.and_then(|handle| self.links.get(&handle)) {
            Some(Link::Queue(_, incoming) | Link::Requests(_, incoming)) => {
                (Some(incoming.count), Some(incoming.credit))
            }
            Some(Link::Replies(_, replies)) => (Some(replies.count), Some(replies.credit)),
            _ => (None, None),
        };
        let flow = Flow {
            next_incoming_id: Some(self.next_incoming),
            incoming_window: WINDOW,
            next_outgoing_id: self.next_outgoing,
            outgoing_window: WINDOW,
            handle: handle.filter(|_| count.is_some()).map(Handle),
            delivery_count: count,
            link_credit: credit,
            available: None,
            drain: false,
            echo: false,
            properties: None,
        };
        desk.put(self.channel, &Performative::Flow(flow));
    }
}
