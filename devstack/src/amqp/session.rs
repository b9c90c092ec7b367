//! One session: its links, and what happens to what is sent on them.

mod delivered;
mod links;

use std::collections::BTreeMap;

use fe2o3_amqp_types::definitions::{Handle, Role, SessionError};
use fe2o3_amqp_types::performatives::{Attach, Begin, Detach, End, Flow, Performative, Transfer};

use super::Shared;
use super::access::Access;
use super::link::CREDIT;
use super::refusal::Refusal;
use super::wire::put_frame;
use links::{Link, answer_to};

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
    next_outgoing: u32,
    since_flow: u32,
    links: BTreeMap<u32, Link>,
}

/// What a session works with and on.
struct Desk<'a> {
    access: &'a mut Access,
    shared: &'a Shared,
    out: &'a mut Vec<u8>,
}

impl Desk<'_> {
    fn put(&mut self, channel: u16, performative: &Performative) {
        put_frame(self.out, channel, performative, &[]);
    }
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
        put_frame(out, channel, &Performative::Begin(answer), &[]);
        Self {
            channel,
            next_incoming: begin.next_outgoing_id,
            next_outgoing: 0,
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
            Role::Sender => Link::incoming(&attach, desk.access, desk.shared),
            Role::Receiver => Link::outgoing(&attach),
        };
        let accepted = link.is_ok();
        desk.put(
            self.channel,
            &Performative::Attach(answer_to(attach, accepted)),
        );
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
            Ok(Some(whole)) => self.delivered(handle, &whole, desk),
            Ok(None) => {}
            Err(refusal) => self.cut(handle, refusal, desk),
        }
        if self.since_flow >= WINDOW / 2 {
            self.put_flow(None, desk);
        }
        Ok(())
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
    fn grant(&mut self, handle: u32, desk: &mut Desk<'_>) {
        if let Some(incoming) = self.links.get_mut(&handle).and_then(Link::incoming_mut) {
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
                desk.put(self.channel, &Performative::Detach(answer));
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
        desk.put(self.channel, &Performative::Detach(detach));
    }

    fn end(&self, refusal: Option<Refusal>, desk: &mut Desk<'_>) -> Result<(), Ended> {
        let error = refusal.map(Refusal::into_error);
        desk.put(self.channel, &Performative::End(End { error }));
        Err(Ended)
    }
}
