//! A link on which the client sends: credit, and deliveries put together from their transfers.

use bytes::Bytes;
use fe2o3_amqp_types::definitions::{AmqpError, LinkError};
use fe2o3_amqp_types::performatives::Transfer;

use super::refusal::AmqpRefusal;
use crate::queue::MESSAGE_MAX;

/// Where a delivery that is too large is not waited for any longer.
const DELIVERY_MAX: usize = 4 * MESSAGE_MAX;

/// Deliveries a client may send ahead.
pub(super) const CREDIT: u32 = 100;

#[derive(Debug)]
pub(super) struct IncomingLink {
    /// The link's delivery-count: deliveries that have come to their end, aborted ones included.
    pub(super) count: u32,
    /// Deliveries the client may still send.
    pub(super) credit: u32,
    partial: Option<IncomingDelivery>,
}

/// A delivery, whole or on its way.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct IncomingDelivery {
    pub(super) id: u32,
    pub(super) settled: bool,
    pub(super) format: u32,
    /// All its bytes, or none when they were too many.
    bytes: Vec<u8>,
    size: usize,
}

/// What a transfer makes of its delivery.
#[derive(Debug)]
pub(super) enum Added {
    /// More of it is to come.
    Part,
    Whole(IncomingDelivery),
    /// The client has thought better of it.
    Aborted,
}

impl IncomingDelivery {
    /// The bytes, unless they were too many.
    pub(super) fn into_bytes(self) -> Result<Bytes, AmqpRefusal> {
        if self.size > MESSAGE_MAX {
            return Err(AmqpRefusal::too_large());
        }
        Ok(self.bytes.into())
    }
}

impl IncomingLink {
    /// A new link, whose client starts to count here.
    pub(super) fn new(count: u32) -> Self {
        Self {
            count,
            credit: CREDIT,
            partial: None,
        }
    }

    /// Adds a transfer to its delivery.
    ///
    /// # Errors
    /// The link has to be detached then.
    pub(super) fn add(
        &mut self,
        transfer: &Transfer,
        payload: &[u8],
    ) -> Result<Added, AmqpRefusal> {
        let mut delivery = match (self.partial.take(), transfer.delivery_id) {
            (Some(partial), id) if id.is_none_or(|id| id == partial.id) => partial,
            (Some(_), _) => {
                let problem = "a delivery begins before the last one on this link has ended";
                return Err(AmqpRefusal::new(AmqpError::IllegalState, problem));
            }
            (None, Some(id)) => IncomingDelivery {
                id,
                format: transfer.message_format.unwrap_or_default(),
                ..IncomingDelivery::default()
            },
            (None, None) => {
                let problem = "the first transfer of a delivery needs a delivery-id";
                return Err(AmqpRefusal::new(AmqpError::InvalidField, problem));
            }
        };
        if self.credit == 0 {
            let problem = "more deliveries than the link's credit";
            return Err(AmqpRefusal::new(LinkError::TransferLimitExceeded, problem));
        }
        if transfer.aborted {
            // Whatever `more` says, and whatever the transfer carries: neither counts any longer
            // (2.7.5).
            self.end_delivery();
            return Ok(Added::Aborted);
        }
        delivery.size += payload.len();
        if delivery.size > DELIVERY_MAX {
            return Err(AmqpRefusal::too_large());
        }
        if delivery.size > MESSAGE_MAX {
            // The rest is passed over, so that the delivery can be refused and the link lives on.
            delivery.bytes = Vec::new();
        } else {
            delivery.bytes.extend_from_slice(payload);
        }
        delivery.settled |= transfer.settled.unwrap_or_default();
        if transfer.more {
            self.partial = Some(delivery);
            return Ok(Added::Part);
        }
        self.end_delivery();
        Ok(Added::Whole(delivery))
    }

    /// Counts a delivery, at its last transfer and not at its first: as long as it is on its way,
    /// its credit is neither used up nor granted again.
    fn end_delivery(&mut self) {
        self.count = self.count.wrapping_add(1);
        self.credit -= 1;
    }

    pub(super) fn runs_low(&self) -> bool {
        self.credit <= CREDIT / 2
    }
}
