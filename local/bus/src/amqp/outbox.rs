//! What a session sends on its links: deliveries cut into frames, as far as the client's window
//! goes.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use fe2o3_amqp_types::definitions::Handle;
use fe2o3_amqp_types::performatives::{Begin, Flow, Performative, Transfer};
use serde_bytes::ByteBuf;

use super::frame::put_frame;

/// More than a transfer and the head of its frame take, with a tag of 32 bytes.
const AROUND_PAYLOAD: usize = 128;

#[derive(Debug)]
pub(super) struct Outbox {
    channel: u16,
    /// Payload of one frame.
    payload_max: usize,
    next_delivery: u32,
    pub(super) next_transfer: u32,
    /// Transfers that the client still takes.
    window: u32,
    /// Frames that wait for the window: of one delivery, and of replies.
    waiting: VecDeque<(Transfer, Bytes)>,
}

impl Outbox {
    pub(super) fn new(channel: u16, begin: &Begin, frame_max: usize) -> Self {
        Self {
            channel,
            payload_max: frame_max.saturating_sub(AROUND_PAYLOAD).max(1),
            next_delivery: 0,
            next_transfer: 0,
            window: begin.incoming_window,
            waiting: VecDeque::new(),
        }
    }

    /// Sends a delivery and returns its number. What does not fit waits.
    pub(super) fn put(
        &mut self,
        handle: u32,
        tag: &[u8],
        settled: bool,
        mut payload: Bytes,
        out: &mut BytesMut,
    ) -> u32 {
        let id = self.next_delivery;
        self.next_delivery = id.wrapping_add(1);
        loop {
            let part = payload.split_to(payload.len().min(self.payload_max));
            let more = !payload.is_empty();
            let transfer = Transfer {
                handle: Handle(handle),
                delivery_id: Some(id),
                delivery_tag: Some(ByteBuf::from(tag)),
                message_format: Some(0),
                settled: Some(settled),
                more,
                rcv_settle_mode: None,
                state: None,
                resume: false,
                aborted: false,
                batchable: !settled,
            };
            self.waiting.push_back((transfer, part));
            if !more {
                break;
            }
        }
        self.flush(out);
        id
    }

    /// Nothing more is to be put in before the client has made room.
    pub(super) fn is_blocked(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The client's view of the window, taken when it had seen so many transfers.
    pub(super) fn take_window(&mut self, flow: &Flow, out: &mut BytesMut) {
        let seen = flow.next_incoming_id.unwrap_or_default();
        let end = seen.wrapping_add(flow.incoming_window);
        let left = end.wrapping_sub(self.next_transfer);
        // Who has shrunk the window below what is under way has no room left.
        self.window = if left > u32::MAX / 2 { 0 } else { left };
        self.flush(out);
    }

    /// A link is gone: what it still had to send is not sent.
    pub(super) fn drop_link(&mut self, handle: u32) {
        self.waiting
            .retain(|(transfer, _)| transfer.handle.0 != handle);
    }

    fn flush(&mut self, out: &mut BytesMut) {
        while self.window > 0 {
            let Some((transfer, part)) = self.waiting.pop_front() else {
                return;
            };
            put_frame(out, self.channel, &Performative::Transfer(transfer), &part);
            self.next_transfer = self.next_transfer.wrapping_add(1);
            self.window -= 1;
        }
    }
}
