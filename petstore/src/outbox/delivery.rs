//! Sending for one record: its message in flight, until the bus has it; then the next.

use std::time::Duration;

use tracing::info;

use crate::bus::{Publisher, SendError};
use crate::carts::{Carts, CartsError, Clock, Handover};
use crate::record::Claimed;
use crate::store::{CartStore, RecordName, Version};

/// One record's turn with the bus.
#[derive(Debug)]
pub struct Delivery {
    pub(super) held: Handover,
    /// Whether a mark goes when nothing is owed: it was like that before.
    tidy: bool,
    /// The message that the bus has, which the store does not know yet.
    taken: Option<String>,
    /// Tries of its message in flight.
    pub(super) failures: u32,
    /// Whether the bus has taken something in this turn.
    pub(super) progress: bool,
}

/// Why a record's orders wait on.
#[derive(Debug, thiserror::Error)]
pub enum NotDelivered {
    /// The bus.
    #[error(transparent)]
    Bus(#[from] SendError),
    /// The store.
    #[error(transparent)]
    Store(#[from] CartsError),
}

impl NotDelivered {
    /// Whether it is about this record, and says nothing of how others fare.
    pub(super) fn is_of_this_record(&self) -> bool {
        match self {
            Self::Bus(SendError::Refused { of_message, .. }) => *of_message,
            Self::Bus(SendError::Later { .. }) => false,
            Self::Store(problem) => matches!(problem, CartsError::Contended),
        }
    }

    /// How long the bus asks everyone to wait.
    pub(super) fn asks_for(&self) -> Option<Duration> {
        match self {
            Self::Bus(SendError::Later { retry_after, .. }) => *retry_after,
            _ => None,
        }
    }
}

impl Delivery {
    /// For a record that a click left to this instance.
    #[must_use]
    pub fn of_click(held: Handover) -> Self {
        Self {
            held,
            tidy: false,
            taken: None,
            failures: 0,
            progress: false,
        }
    }

    /// For a record with a mark, whoever sends for it. A mark on a record that owes nothing may be
    /// a click's that is about to write: with `tidy` it was still the same after a while, and goes.
    #[must_use]
    pub fn of_mark(name: RecordName, mark: Version, tidy: bool) -> Self {
        Self {
            tidy,
            ..Self::of_click(Handover::unread(name, Some(mark)))
        }
    }

    /// For a record that this instance was told of while it sent for it.
    #[must_use]
    pub fn anew(name: RecordName) -> Self {
        Self::of_click(Handover::unread(name, None))
    }

    /// Sends until the record is clean, or another instance's to send for: then the answer is for
    /// how long at most.
    ///
    /// The claim is renewed where it would end within an attempt. When the bus has a message, and
    /// the store does not take note of it, only that is done again.
    ///
    /// # Errors
    /// [`NotDelivered`]: the same message is to be sent again.
    pub async fn run<S: CartStore, C: Clock, B: Publisher>(
        &mut self,
        carts: &Carts<S, C>,
        bus: &B,
    ) -> Result<Option<Duration>, NotDelivered> {
        loop {
            if !carts.may_send(&self.held) {
                match carts.claim(&mut self.held, self.tidy).await? {
                    // It may have taken so long that no attempt is left. Then another instance may
                    // settle this message and send the next one; were this one sent after that, a
                    // bus that has forgotten its id by now would take it once more.
                    Claimed::Ours => continue,
                    Claimed::Clean => return Ok(None),
                    Claimed::Others(until) => return Ok(Some(carts.remaining(until))),
                }
            }
            let Some(order) = self.held.in_flight().cloned() else {
                return Ok(None);
            };
            if self.taken.as_ref() != Some(&order.message) {
                bus.publish(&order).await?;
                let (session, message_id) = (&order.session, &order.message);
                info!(%session, message_id, tries = self.failures + 1, "published");
                self.taken = Some(order.message.clone());
                (self.progress, self.failures) = (true, 0);
            }
            carts.settle(&mut self.held, &order.message).await?;
            if self.held.in_flight().is_none() {
                return Ok(None);
            }
        }
    }
}
