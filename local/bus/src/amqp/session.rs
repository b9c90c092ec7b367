//! One session: its links, what is sent on them, and how much more each side may send.
//!
//! ```text
//! attach         a link comes; who wants a session may have to wait for it
//! incoming       what the client sends: messages go into their queue, requests are answered
//! flow           how much more each side may send
//! hand_out       what the client receives
//! settlement     what it makes of that
//! ```

mod attach;
mod flow;
mod hand_out;
mod incoming;
mod settlement;

use std::collections::BTreeMap;

use bytes::BytesMut;
use fe2o3_amqp_types::definitions::{ConnectionError, Handle, Role, SessionError};
use fe2o3_amqp_types::performatives::{Attach, Begin, Detach, End, Performative};
use uuid::Uuid;

use super::context::SessionContext;
use super::frame::put_frame;
use super::link::IncomingLink;
use super::node::Node;
use super::outbox::Outbox;
use super::receiver::ReceiverLink;
use super::refusal::AmqpRefusal;
use super::requests::ReplyLink;
use crate::queue::Queue;
use attach::{WaitingLink, answer_to};

/// Handles 0 to this one: a client has one link for each queue it sends to or receives from, and
/// two for tokens.
const HANDLE_MAX: u32 = 63;

/// Transfers a client may send ahead; renewed when half of them have come.
const WINDOW: u32 = 4096;

#[derive(Debug)]
pub(super) enum SessionStop {
    /// The client ended it, and was answered.
    Ended,
    /// We ended it for an error; the client's own end is still to come.
    Refused,
    /// The connection breaks, as a network's would.
    HungUp,
    /// The client did something for which the whole connection is to be closed.
    Fatal(AmqpRefusal),
}

/// The links of one session, by the client's handles, which are ours too.
#[derive(Debug)]
pub(super) struct Session {
    channel: u16,
    next_incoming: u32,
    since_flow: u32,
    links: BTreeMap<u32, Link>,
    outbox: Outbox,
    /// What the client has been handed and has not settled, by delivery-id.
    unsettled: BTreeMap<u32, Unsettled>,
}

#[derive(Debug, Clone, Copy)]
struct Unsettled {
    handle: u32,
    token: Uuid,
}

/// What a handle stands for.
#[derive(Debug)]
enum Link {
    /// To a queue.
    Queue(Queue, IncomingLink),
    /// To `$cbs` or a management node.
    Requests(Node, IncomingLink),
    /// From one of those.
    Replies(Node, ReplyLink),
    /// From a queue.
    Receiver(Box<ReceiverLink>),
    /// From a queue, once a session is free.
    Waiting(Box<WaitingLink>),
    /// Refused or detached by us: the client's own detach is awaited.
    Detaching,
}

impl Session {
    pub(super) fn begin(channel: u16, begin: &Begin, frame_max: usize, out: &mut BytesMut) -> Self {
        let answer = Begin {
            remote_channel: Some(channel),
            next_outgoing_id: 0,
            incoming_window: WINDOW,
            outgoing_window: WINDOW,
            handle_max: Handle(HANDLE_MAX),
            offered_capabilities: None,
            desired_capabilities: None,
            properties: None,
        };
        put_frame(out, channel, &Performative::Begin(answer), &[]);
        Self {
            channel,
            next_incoming: begin.next_outgoing_id,
            since_flow: 0,
            links: BTreeMap::new(),
            outbox: Outbox::new(channel, begin, frame_max),
            unsettled: BTreeMap::new(),
        }
    }

    pub(super) fn take(
        &mut self,
        performative: Performative,
        payload: &[u8],
        context: &mut SessionContext<'_>,
    ) -> Result<(), SessionStop> {
        match performative {
            Performative::Attach(attach) => self.attach(attach, context),
            Performative::Flow(flow) => self.flow(&flow, context),
            Performative::Transfer(transfer) => self.transfer(&transfer, payload, context),
            Performative::Detach(detach) => {
                self.detached(&detach, context);
                Ok(())
            }
            Performative::End(_) => {
                let answer = Performative::End(End { error: None });
                context.put(self.channel, &answer);
                Err(SessionStop::Ended)
            }
            Performative::Disposition(disposition) => {
                self.settle(&disposition, context);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn refuse(
        &self,
        condition: SessionError,
        problem: String,
        context: &mut SessionContext<'_>,
    ) -> Result<(), SessionStop> {
        let error = Some(AmqpRefusal::new(condition, problem).into_error());
        context.put(self.channel, &Performative::End(End { error }));
        Err(SessionStop::Refused)
    }
}

/// Links come and go: attach, detach, and the detach of our own.
impl Session {
    /// Answers an attach, and detaches the link when it is not offered.
    fn attach(
        &mut self,
        attach: Attach,
        context: &mut SessionContext<'_>,
    ) -> Result<(), SessionStop> {
        let handle = attach.handle.0;
        if handle > HANDLE_MAX {
            // "A peer that receives a handle outside the supported range MUST close the connection"
            // (2.7.2).
            let problem = format!("handle {handle}: handle-max is {HANDLE_MAX}");
            let refusal = AmqpRefusal::new(ConnectionError::FramingError, problem);
            return Err(SessionStop::Fatal(refusal));
        }
        if self.links.contains_key(&handle) {
            let problem = format!("handle {handle} is in use");
            return self.refuse(SessionError::HandleInUse, problem, context);
        }
        let link = match attach.role {
            Role::Sender => Link::incoming(&attach, context),
            Role::Receiver => Link::outgoing(&attach, context),
        };
        // Who waits for a session is answered when there is one, or none in time.
        if let Ok(waiting @ Link::Waiting(_)) = link {
            self.links.insert(handle, waiting);
            return Ok(());
        }
        self.attached(attach, link, context);
        Ok(())
    }

    fn attached(
        &mut self,
        attach: Attach,
        link: Result<Link, AmqpRefusal>,
        context: &mut SessionContext<'_>,
    ) {
        let handle = attach.handle.0;
        let answer = answer_to(attach, link.as_ref().ok());
        context.put(self.channel, &Performative::Attach(answer));
        match link {
            Ok(mut link) => {
                let sends = link.incoming_mut().is_some();
                self.links.insert(handle, link);
                if sends {
                    self.grant(handle, context);
                }
            }
            Err(refusal) => self.detach(handle, refusal, context),
        }
    }

    /// Answers a detach; what has come of a delivery goes with its link.
    fn detached(&mut self, detach: &Detach, context: &mut SessionContext<'_>) {
        match self.links.remove(&detach.handle.0) {
            // Our own detach was first, or there was nothing: Service Bus lets that pass too,
            // because a client may have waited in vain for an answer and says it again.
            Some(Link::Detaching) | None => {}
            Some(link) => {
                // A detach is heard by who has heard an attach.
                if let Link::Waiting(waiting) = &link {
                    let answer = answer_to(waiting.attach.clone(), None);
                    context.put(self.channel, &Performative::Attach(answer));
                }
                // What it holds is free before its client hears that the link is gone.
                drop(link);
                self.forget(detach.handle.0);
                let answer = Detach {
                    handle: detach.handle.clone(),
                    closed: detach.closed,
                    error: None,
                };
                context.put(self.channel, &Performative::Detach(answer));
            }
        }
    }

    /// A link is gone: what it was handed is settled over another way, or not at all.
    fn forget(&mut self, handle: u32) {
        self.outbox.drop_link(handle);
        self.unsettled
            .retain(|_, unsettled| unsettled.handle != handle);
    }

    fn detach(&mut self, handle: u32, refusal: AmqpRefusal, context: &mut SessionContext<'_>) {
        self.links.insert(handle, Link::Detaching);
        self.forget(handle);
        let detach = Detach {
            handle: Handle(handle),
            closed: true,
            error: Some(refusal.into_error()),
        };
        context.put(self.channel, &Performative::Detach(detach));
    }
}

impl Link {
    fn incoming_mut(&mut self) -> Option<&mut IncomingLink> {
        match self {
            Self::Queue(_, incoming) | Self::Requests(_, incoming) => Some(incoming),
            _ => None,
        }
    }
}
