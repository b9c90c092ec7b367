//! One session: its links, and what happens to what is sent on them.

use std::collections::BTreeMap;

use fe2o3_amqp_types::definitions::{AmqpError, Handle, ReceiverSettleMode, Role, SessionError};
use fe2o3_amqp_types::messaging::{Accepted, DeliveryState, Target, TargetArchetype};
use fe2o3_amqp_types::performatives::{
    Attach, Begin, Detach, Disposition, End, Flow, Performative, Transfer,
};

use super::Shared;
use super::access::Access;
use super::link::{CREDIT, Incoming, LARGEST_MESSAGE, Whole};
use super::message;
use super::node::Node;
use super::refusal::Refusal;
use super::requests::{self, Replies};
use super::wire::put_frame;
use crate::queue::Queue;

/// Handles 0 to this one: a client has one link for each queue it sends to, and two for tokens.
const LAST_HANDLE: u32 = 63;

/// Transfers a client may send ahead; renewed when half of them have come.
const WINDOW: u32 = 4096;

/// The session is over.
#[derive(Debug)]
pub(super) struct Ended;

/// The links of one session, by the client's handles, which are ours too.
#[derive(Debug)]
pub(super) struct Session {
    channel: u16,
    next_incoming: u32,
    since_flow: u32,
    links: BTreeMap<u32, Link>,
}

#[derive(Debug)]
enum Link {
    /// To a queue.
    Queue(Queue, Incoming),
    /// To `$cbs` or a management node.
    Requests(Node, Incoming),
    /// From one of those.
    Replies(Node, Replies),
    /// Refused or cut by us: the client's own detach is awaited.
    Leaving,
}

/// What a session works with and on.
struct Desk<'a> {
    access: &'a mut Access,
    shared: &'a Shared,
    out: &'a mut Vec<u8>,
}

impl Session {
    /// Answers a begin.
    pub(super) fn begin(channel: u16, begin: &Begin, out: &mut Vec<u8>) -> Self {
        let answer = Begin {
            remote_channel: Some(channel),
            next_outgoing_id: 0,
            incoming_window: WINDOW,
            outgoing_window: WINDOW,
            handle_max: Handle(LAST_HANDLE),
            offered_capabilities: None,
            desired_capabilities: None,
            properties: None,
        };
        put_frame(out, channel, Performative::Begin(answer), &[]);
        Self {
            channel,
            next_incoming: begin.next_outgoing_id,
            since_flow: 0,
            links: BTreeMap::new(),
        }
    }

    /// Takes what is addressed to this session.
    pub(super) fn take(
        &mut self,
        performative: Performative,
        payload: &[u8],
        access: &mut Access,
        shared: &Shared,
        out: &mut Vec<u8>,
    ) -> Result<(), Ended> {
        let mut desk = Desk {
            access,
            shared,
            out,
        };
        match performative {
            Performative::Attach(attach) => self.attach(attach, &mut desk),
            Performative::Flow(flow) => {
                self.flow(&flow, &mut desk);
                Ok(())
            }
            Performative::Transfer(transfer) => self.transfer(&transfer, payload, &mut desk),
            Performative::Detach(detach) => {
                self.detached(&detach, &mut desk);
                Ok(())
            }
            Performative::End(_) => self.end(None, &mut desk),
            // What the client makes of our replies: they were settled when they were sent.
            _ => Ok(()),
        }
    }

    fn attach(&mut self, attach: Attach, desk: &mut Desk<'_>) -> Result<(), Ended> {
        let handle = attach.handle.0;
        if handle > LAST_HANDLE || self.links.contains_key(&handle) {
            let problem = format!("handle {handle} is in use, or above handle-max {LAST_HANDLE}");
            return self.end(Some(Refusal::new(SessionError::HandleInUse, problem)), desk);
        }
        let link = match attach.role {
            Role::Sender => Self::incoming(&attach, desk),
            Role::Receiver => Self::outgoing(&attach),
        };
        let accepted = link.is_ok();
        self.put(desk, Performative::Attach(answer_to(attach, accepted)), &[]);
        match link {
            Ok(link) => {
                let sends = matches!(link, Link::Queue(..) | Link::Requests(..));
                self.links.insert(handle, link);
                if sends {
                    self.grant(handle, desk);
                }
            }
            Err(refusal) => self.cut(handle, refusal, desk),
        }
        Ok(())
    }

    /// A link on which the client sends.
    fn incoming(attach: &Attach, desk: &Desk<'_>) -> Result<Link, Refusal> {
        // .NET's client leaves it out.
        let incoming = Incoming::new(attach.initial_delivery_count.unwrap_or_default());
        let Some(address) = target_address(attach) else {
            let problem = "expected the name of a queue as the target's address";
            return Err(Refusal::new(AmqpError::InvalidField, problem));
        };
        match Node::of(address) {
            Node::Queue(name) => {
                let queue = desk.shared.queue(&name);
                let queue = queue.ok_or_else(|| Refusal::no_such_queue(&name, desk.shared))?;
                desk.access.to(queue.name(), desk.shared)?;
                Ok(Link::Queue(queue.clone(), incoming))
            }
            node => Ok(Link::Requests(node, incoming)),
        }
    }

    /// A link on which the client wants to receive.
    fn outgoing(attach: &Attach) -> Result<Link, Refusal> {
        let source = attach.source.as_ref();
        let address = source
            .and_then(|source| source.address.as_deref())
            .unwrap_or_default();
        match Node::of(address) {
            Node::Queue(name) => Err(Refusal::receiving(&name)),
            node => {
                let target = target_address(attach).map(str::to_owned);
                Ok(Link::Replies(
                    node,
                    Replies::new(attach.name.clone(), target),
                ))
            }
        }
    }

    fn transfer(
        &mut self,
        transfer: &Transfer,
        payload: &[u8],
        desk: &mut Desk<'_>,
    ) -> Result<(), Ended> {
        self.next_incoming = self.next_incoming.wrapping_add(1);
        self.since_flow += 1;
        let handle = transfer.handle.0;
        let added = match self.links.get_mut(&handle) {
            Some(Link::Queue(_, incoming) | Link::Requests(_, incoming)) => {
                incoming.add(transfer, payload)
            }
            Some(Link::Leaving) => Ok(None),
            _ => {
                let problem =
                    format!("a transfer on handle {handle}, where no link of the client's sends");
                return self.end(
                    Some(Refusal::new(SessionError::UnattachedHandle, problem)),
                    desk,
                );
            }
        };
        match added {
            Ok(Some(whole)) => self.delivered(handle, whole, desk),
            Ok(None) => {}
            Err(refusal) => self.cut(handle, refusal, desk),
        }
        if self.since_flow >= WINDOW / 2 {
            self.put_flow(None, desk);
        }
        Ok(())
    }

    fn delivered(&mut self, handle: u32, whole: Whole, desk: &mut Desk<'_>) {
        let (id, settled) = (whole.id, whole.settled);
        let state = match self.links.get(&handle) {
            Some(Link::Queue(queue, _)) => enqueue(queue, &whole),
            Some(Link::Requests(node, _)) => {
                let node = node.clone();
                self.answer(&node, &whole, desk);
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
            self.put(desk, Performative::Disposition(disposition), &[]);
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
            replies.send(self.channel, handle, desk.out);
        }
    }

    fn flow(&mut self, flow: &Flow, desk: &mut Desk<'_>) {
        let handle = flow.handle.as_ref().map(|handle| handle.0);
        if let Some(handle) = handle
            && let Some(Link::Replies(_, replies)) = self.links.get_mut(&handle)
        {
            replies.credit(
                flow.delivery_count.unwrap_or_default(),
                flow.link_credit.unwrap_or_default(),
            );
            replies.send(self.channel, handle, desk.out);
        }
        if flow.echo {
            self.put_flow(
                handle.filter(|handle| self.links.contains_key(handle)),
                desk,
            );
        }
    }

    /// Fills up the client's credit.
    fn grant(&mut self, handle: u32, desk: &mut Desk<'_>) {
        if let Some(Link::Queue(_, incoming) | Link::Requests(_, incoming)) =
            self.links.get_mut(&handle)
        {
            incoming.credit = CREDIT;
        }
        self.put_flow(Some(handle), desk);
    }

    fn put_flow(&mut self, handle: Option<u32>, desk: &mut Desk<'_>) {
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
            next_outgoing_id: self.sent(),
            outgoing_window: WINDOW,
            handle: handle.filter(|_| count.is_some()).map(Handle),
            delivery_count: count,
            link_credit: credit,
            available: None,
            drain: false,
            echo: false,
            properties: None,
        };
        self.put(desk, Performative::Flow(flow), &[]);
    }

    /// Replies sent in this session, which is also the next transfer's number.
    fn sent(&self) -> u32 {
        let replies = self.links.values().map(|link| match link {
            Link::Replies(_, replies) => replies.count,
            _ => 0,
        });
        replies.fold(0, u32::wrapping_add)
    }

    fn detached(&mut self, detach: &Detach, desk: &mut Desk<'_>) {
        match self.links.remove(&detach.handle.0) {
            // Our own detach was first, or there was nothing.
            Some(Link::Leaving) | None => {}
            Some(_) => {
                let answer = Detach {
                    handle: detach.handle.clone(),
                    closed: detach.closed,
                    error: None,
                };
                self.put(desk, Performative::Detach(answer), &[]);
            }
        }
    }

    /// Detaches a link for this reason.
    fn cut(&mut self, handle: u32, refusal: Refusal, desk: &mut Desk<'_>) {
        self.links.insert(handle, Link::Leaving);
        let detach = Detach {
            handle: Handle(handle),
            closed: true,
            error: Some(refusal.into_error()),
        };
        self.put(desk, Performative::Detach(detach), &[]);
    }

    fn end(&self, refusal: Option<Refusal>, desk: &mut Desk<'_>) -> Result<(), Ended> {
        let error = refusal.map(Refusal::into_error);
        self.put(desk, Performative::End(End { error }), &[]);
        Err(Ended)
    }

    fn put(&self, desk: &mut Desk<'_>, performative: Performative, payload: &[u8]) {
        put_frame(desk.out, self.channel, performative, payload);
    }
}

/// Puts all messages of a delivery into the queue, or none.
fn enqueue(queue: &Queue, whole: &Whole) -> Result<(), Refusal> {
    for message in message::of_delivery(whole.format, whole.bytes()?)? {
        // Accepted or a duplicate: the publisher sees no difference. A queue that requires sessions
        // refuses here once it knows of them.
        queue.enqueue(message);
    }
    Ok(())
}

fn target_address(attach: &Attach) -> Option<&str> {
    match attach.target.as_deref()? {
        TargetArchetype::Target(target) => target.address.as_deref(),
    }
}

/// The other half of an attach. Without a terminus of our own it says that the link will be detached.
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
        max_message_size: Some(LARGEST_MESSAGE as u64),
        offered_capabilities: None,
        desired_capabilities: None,
        properties: None,
        ..attach
    }
}
