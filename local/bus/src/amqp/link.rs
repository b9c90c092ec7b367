//! A link on which the client sends: credit, and deliveries put together from their transfers.

use fe2o3_amqp_types::definitions::{AmqpError, LinkError};
use fe2o3_amqp_types::performatives::Transfer;

use super::refusal::Refusal;

/// A message or a batch, properties and all, on the Standard tier.
pub(super) const LARGEST_MESSAGE: usize = 256 * 1024;

/// Where a delivery that is too large is not waited for any longer.
const LARGEST_SWALLOWED: usize = 4 * LARGEST_MESSAGE;

/// Deliveries a client may send ahead.
pub(super) const CREDIT: u32 = 100;

/// The state of one incoming link.
#[derive(Debug)]
pub(super) struct Incoming {
    /// Deliveries taken so far.
    pub(super) count: u32,
    /// Deliveries the client may still send.
    pub(super) credit: u32,
    partial: Option<Whole>,
}

/// A delivery that has come to its end.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Whole {
    pub(super) id: u32,
    pub(super) settled: bool,
    pub(super) format: u32,
    /// All its bytes, or none when they were too many.
    bytes: Vec<u8>,
    size: usize,
}

impl Whole {
    /// The bytes, unless they were too many.
    pub(super) fn bytes(&self) -> Result<&[u8], Refusal> {
        if self.size > LARGEST_MESSAGE {
            return Err(Refusal::too_large(LARGEST_MESSAGE));
        }
        Ok(&self.bytes)
    }
}

impl Incoming {
    /// A new link, whose client starts to count here.
    pub(super) fn new(count: u32) -> Self {
        Self {
            count,
            credit: CREDIT,
            partial: None,
        }
    }

    /// Adds a transfer; returns the delivery when it is whole.
    ///
    /// # Errors
    /// The link has to be detached then.
    pub(super) fn add(
        &mut self,
        transfer: &Transfer,
        payload: &[u8],
    ) -> Result<Option<Whole>, Refusal> {
        let mut whole = match (self.partial.take(), transfer.delivery_id) {
            (Some(partial), id) if id.is_none_or(|id| id == partial.id) => partial,
            (Some(_), _) => {
                let problem = "a delivery begins before the last one on this link has ended";
                return Err(Refusal::new(AmqpError::IllegalState, problem));
            }
            (None, Some(id)) => Whole {
                id,
                format: transfer.message_format.unwrap_or_default(),
                ..Whole::default()
            },
            (None, None) => {
                let problem = "the first transfer of a delivery needs a delivery-id";
                return Err(Refusal::new(AmqpError::InvalidField, problem));
            }
        };
        if self.credit == 0 {
            let problem = "more deliveries than the link's credit";
            return Err(Refusal::new(LinkError::TransferLimitExceeded, problem));
        }
        whole.size += payload.len();
        if whole.size > LARGEST_SWALLOWED {
            return Err(Refusal::too_large(LARGEST_MESSAGE));
        }
        if whole.size > LARGEST_MESSAGE {
            // The rest is passed over, so that the delivery can be refused and the link lives on.
            whole.bytes = Vec::new();
        } else {
            whole.bytes.extend_from_slice(payload);
        }
        whole.settled |= transfer.settled.unwrap_or_default();
        if transfer.more && !transfer.aborted {
            self.partial = Some(whole);
            return Ok(None);
        }
        self.count = self.count.wrapping_add(1);
        self.credit -= 1;
        Ok((!transfer.aborted).then_some(whole))
    }

    /// True when the client should be given credit again.
    pub(super) fn runs_low(&self) -> bool {
        self.credit <= CREDIT / 2
    }
}
