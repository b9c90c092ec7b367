//! One session: its links, and what happens to what is sent on them.

mod attachment;
mod credit;
mod delivered;
mod links;

use std::collections::BTreeMap;

use fe2o3_amqp_types::definitions::{Handle, SessionError};
use fe2o3_amqp_types::performatives::{Begin, End, Performative, Transfer};

use super::access::Access;
use super::frame::put_frame;
use super::refusal::Refusal;
use super::shared::Shared;
use links::Link;

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

    fn end(&self, refusal: Option<Refusal>, desk: &mut Desk<'_>) -> Result<(), Ended> {
        let error = refusal.map(Refusal::into_error);
        desk.put(self.channel, &Performative::End(End { error }));
        Err(Ended)
    }
}
