//! What a session borrows from its connection while it takes a frame.

use std::sync::Arc;

use bytes::BytesMut;
use fe2o3_amqp_types::definitions::SenderSettleMode;
use fe2o3_amqp_types::performatives::{Attach, Performative};
use time::OffsetDateTime;

use super::access::Access;
use super::client::{Client, HeldSessions};
use super::frame::put_frame;
use super::node::Entity;
use super::refusal::AmqpRefusal;
use super::shared::AmqpShared;
use super::source::Source;
use crate::queue::{Receiver, ReceiverEntry, Registration};

pub(super) struct SessionContext<'a> {
    pub(super) access: &'a mut Access,
    pub(super) shared: &'a AmqpShared,
    pub(super) client: &'a Client,
    pub(super) held: &'a mut HeldSessions,
    pub(super) now: OffsetDateTime,
    pub(super) out: &'a mut BytesMut,
}

impl SessionContext<'_> {
    pub(super) fn put(&mut self, channel: u16, performative: &Performative) {
        put_frame(self.out, channel, performative, &[]);
    }

    /// The queue that is meant, or its dead letters, if this client may have it.
    pub(super) fn open(&self, entity: &Entity) -> Result<Source, AmqpRefusal> {
        if entity.is_foreign() {
            return Err(AmqpRefusal::foreign(&entity.queue));
        }
        let queue = self.shared.queue(&entity.queue);
        let queue = queue.ok_or_else(|| self.shared.no_such_queue(&entity.queue))?;
        self.access.to(queue.name(), self.shared)?;
        Ok(Source {
            queue: queue.clone(),
            dead_letters: entity.dead_letters,
        })
    }

    pub(super) fn register(&self, attach: &Attach, source: &Source, waits: bool) -> Registration {
        source.queue.register(ReceiverEntry {
            receiver: Receiver {
                id: 0,
                client: self.client.container.clone(),
                link: attach.name.clone(),
                address: self.client.address.clone(),
                since: self.now,
                dead_letters: source.dead_letters,
                deletes: attach.snd_settle_mode == SenderSettleMode::Settled,
                session: None,
                waits_for_session: waits,
                credit: 0,
                unsettled: 0,
            },
            cut: Arc::clone(&self.client.cut),
        })
    }
}
