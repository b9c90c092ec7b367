//! One session: its links, what is sent on them, and how much more each side may send.
//!
//! A transfer passes [`Session::take`], its link in `link.rs`, which puts deliveries together, and
//! [`Session::delivered`], where messages go into their queue and requests are answered.

use std::collections::BTreeMap;

use fe2o3_amqp_types::definitions::{
    AmqpError, ConnectionError, Handle, ReceiverSettleMode, Role, SessionError,
};
use fe2o3_amqp_types::messaging::{Accepted, DeliveryState, Target, TargetArchetype};
use fe2o3_amqp_types::performatives::{
    Attach, Begin, Detach, Disposition, End, Flow, Performative, Transfer,
};

use super::access::Access;
use super::frame::put_frame;
use super::link::{Added, CREDIT, IncomingDelivery, IncomingLink};
use super::node::Node;
use super::refusal::AmqpRefusal;
use super::requests::ReplyLink;
use super::shared::AmqpShared;
use super::{message, requests};
use crate::faults::Met;
use crate::queue::{MESSAGE_MAX, Queue};

/// Handles 0 to this one: a client has one link for each queue it sends to, and two for tokens.
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
    next_outgoing: u32,
    since_flow: u32,
    links: BTreeMap<u32, Link>,
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
    /// Refused or detached by us: the client's own detach is awaited.
    Detaching,
}

/// What a session borrows from its connection while it takes a frame.
pub(super) struct SessionContext<'a> {
    pub(super) access: &'a mut Access,
    pub(super) shared: &'a AmqpShared,
    pub(super) out: &'a mut Vec<u8>,
}

impl SessionContext<'_> {
    fn put(&mut self, channel: u16, performative: &Performative) {
        put_frame(self.out, channel, performative, &[]);
    }
}

impl Session {
    pub(super) fn begin(channel: u16, begin: &Begin, out: &mut Vec<u8>) -> Self {
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
            next_outgoing: 0,
            since_flow: 0,
            links: BTreeMap::new(),
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
            // What the client makes of our replies: they were settled when they were sent.
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
            Role::Sender => Link::incoming(&attach, context.access, context.shared),
            Role::Receiver => Link::outgoing(&attach),
        };
        let answer = answer_to(attach, link.is_ok());
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
        Ok(())
    }

    /// Answers a detach; what has come of a delivery goes with its link.
    fn detached(&mut self, detach: &Detach, context: &mut SessionContext<'_>) {
        match self.links.remove(&detach.handle.0) {
            // Our own detach was first, or there was nothing: Service Bus lets that pass too,
            // because a client may have waited in vain for an answer and says it again.
            Some(Link::Detaching) | None => {}
            Some(_) => {
                let answer = Detach {
                    handle: detach.handle.clone(),
                    closed: detach.closed,
                    error: None,
                };
                context.put(self.channel, &Performative::Detach(answer));
            }
        }
    }

    fn detach(&mut self, handle: u32, refusal: AmqpRefusal, context: &mut SessionContext<'_>) {
        self.links.insert(handle, Link::Detaching);
        let detach = Detach {
            handle: Handle(handle),
            closed: true,
            error: Some(refusal.into_error()),
        };
        context.put(self.channel, &Performative::Detach(detach));
    }
}

/// Deliveries: put together from transfers, acted on, answered.
impl Session {
    fn transfer(
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
        let answer = requests::answer(node, request, context.access, context.shared);
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
            replies.send(self.channel, handle, &mut self.next_outgoing, context.out);
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

/// Flow control: how many deliveries and transfers each side may send ahead.
impl Session {
    /// Takes the client's credit for replies, and answers when it asks for a flow.
    fn flow(&mut self, flow: &Flow, context: &mut SessionContext<'_>) -> Result<(), SessionStop> {
        let handle = flow.handle.as_ref().map(|handle| handle.0);
        if let Some(handle) = handle {
            match self.links.get_mut(&handle) {
                Some(Link::Replies(_, replies)) => {
                    replies.credit(
                        flow.delivery_count.unwrap_or_default(),
                        flow.link_credit.unwrap_or_default(),
                    );
                    replies.send(self.channel, handle, &mut self.next_outgoing, context.out);
                }
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

    fn grant_when_low(&mut self, handle: u32, context: &mut SessionContext<'_>) {
        let link = self.links.get_mut(&handle).and_then(Link::incoming_mut);
        if link.is_some_and(|incoming| incoming.runs_low()) {
            self.grant(handle, context);
        }
    }

    /// Fills up the client's credit.
    fn grant(&mut self, handle: u32, context: &mut SessionContext<'_>) {
        if let Some(incoming) = self.links.get_mut(&handle).and_then(Link::incoming_mut) {
            incoming.credit = CREDIT;
        }
        self.put_flow(Some(handle), context);
    }

    /// Tells the session's window, and with a handle the state of that link.
    fn put_flow(&mut self, handle: Option<u32>, context: &mut SessionContext<'_>) {
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
        context.put(self.channel, &Performative::Flow(flow));
    }
}

impl Link {
    fn incoming(
        attach: &Attach,
        access: &Access,
        shared: &AmqpShared,
    ) -> Result<Self, AmqpRefusal> {
        // .NET's client leaves it out.
        let incoming = IncomingLink::new(attach.initial_delivery_count.unwrap_or_default());
        let Some(address) = target_address(attach) else {
            let problem = "expected the name of a queue as the target's address";
            return Err(AmqpRefusal::new(AmqpError::InvalidField, problem));
        };
        match Node::of(address) {
            Node::Queue(name) => {
                let queue = shared.queue(&name);
                let queue = queue.ok_or_else(|| shared.no_such_queue(&name))?;
                access.to(queue.name(), shared)?;
                Ok(Self::Queue(queue.clone(), incoming))
            }
            node => Ok(Self::Requests(node, incoming)),
        }
    }

    fn outgoing(attach: &Attach) -> Result<Self, AmqpRefusal> {
        let source = attach.source.as_ref();
        let address = source
            .and_then(|source| source.address.as_deref())
            .unwrap_or_default();
        match Node::of(address) {
            Node::Queue(name) => Err(AmqpRefusal::receiving(&name)),
            node => {
                let target = target_address(attach).map(str::to_owned);
                let replies = ReplyLink::new(attach.name.clone(), target);
                Ok(Self::Replies(node, replies))
            }
        }
    }

    fn incoming_mut(&mut self) -> Option<&mut IncomingLink> {
        match self {
            Self::Queue(_, incoming) | Self::Requests(_, incoming) => Some(incoming),
            Self::Replies(..) | Self::Detaching => None,
        }
    }
}

fn target_address(attach: &Attach) -> Option<&str> {
    match attach.target.as_deref()? {
        TargetArchetype::Target(target) => target.address.as_deref(),
    }
}

/// The other half of an attach. Without a terminus of our own it says that the link will be
/// detached.
fn answer_to(attach: Attach, accepted: bool) -> Attach {
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
        max_message_size: Some(MESSAGE_MAX as u64),
        offered_capabilities: None,
        desired_capabilities: None,
        properties: None,
        ..attach
    }
}
