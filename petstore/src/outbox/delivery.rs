//! Sending for one record: its message in flight, until the bus has it; then the next.

use tracing::{debug, error, info, warn};

use crate::bus::{Publisher, SendError};
use crate::carts::{Carts, CartsError, Clock, Handover, Turn};
use crate::store::{CartStore, RecordName, Version};

/// One record's turn with the bus.
#[derive(Debug)]
pub struct Delivery {
    /// Whose.
    pub name: RecordName,
    /// A mark that was seen before; without a claim.
    mark: Option<Version>,
    /// The claim, as long as it lasts.
    handover: Option<Handover>,
    /// The message that the bus has, which the store does not know yet.
    taken: Option<String>,
    /// When the oldest of its orders was accepted, in Unix milliseconds.
    pub(super) since: i64,
    pub(super) failures: u32,
    /// Whether the bus has taken something in this turn.
    pub(super) progress: bool,
    /// Whether the bus refuses it, and not all.
    pub(super) refused: bool,
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

impl Delivery {
    /// For a record that a click left to this instance.
    #[must_use]
    pub fn of_click(handover: Handover, since: i64) -> Self {
        Self::new(handover.name, None, Some(handover), since)
    }

    /// For a record that nobody sends for, with the mark that led to it.
    #[must_use]
    pub fn of_mark(name: RecordName, mark: Version, since: i64) -> Self {
        Self::new(name, Some(mark), None, since)
    }

    /// For a record that this instance was told of while it sent for it.
    #[must_use]
    pub fn anew(name: RecordName, since: i64) -> Self {
        Self::new(name, None, None, since)
    }

    fn new(
        name: RecordName,
        mark: Option<Version>,
        handover: Option<Handover>,
        since: i64,
    ) -> Self {
        Self {
            name,
            mark,
            handover,
            taken: None,
            since,
            failures: 0,
            progress: false,
            refused: false,
        }
    }

    /// A click has claimed the record anew: this one was overdue.
    pub(super) fn renew(&mut self, handover: Handover) {
        self.handover = Some(handover);
    }

    /// Sends until the record is clean, or another instance's to send for.
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
    ) -> Result<(), NotDelivered> {
        loop {
            let held = self.handover.take().filter(|it| carts.may_send(it));
            let handover = match held {
                Some(handover) => handover,
                None => match carts.claim(&self.name, self.mark.clone()).await? {
                    Turn::Ours(handover) => *handover,
                    Turn::Clean | Turn::Others(_) => return Ok(()),
                },
            };
            let Some(order) = handover.in_flight().cloned() else {
                return Ok(());
            };
            self.since = order.accepted;
            self.handover = Some(handover.clone());
            if self.taken.as_ref() != Some(&order.message) {
                bus.publish(&order).await?;
                let (session, message_id) = (&order.session, &order.message);
                info!(%session, message_id, tries = self.failures + 1, "published");
                self.taken = Some(order.message.clone());
                (self.progress, self.refused, self.failures) = (true, false, 0);
            }
            self.handover = carts.settle(handover, &order.message).await?;
            if self.handover.is_none() {
                return Ok(());
            }
        }
    }

    /// Logs why it waits on.
    pub(super) fn tell(&mut self, outcome: &Result<(), NotDelivered>) {
        let Err(problem) = outcome else {
            return;
        };
        self.failures += 1;
        let order = self.handover.as_ref().and_then(Handover::in_flight);
        let session = order.map(|order| order.session.as_str());
        let message_id = order.map(|order| order.message.as_str());
        let failures = self.failures;
        match problem {
            NotDelivered::Bus(SendError::Refused { of_message, .. }) => {
                self.refused = *of_message;
                error!(session, message_id, failures, %problem, "not published, waits for a person");
            }
            _ if failures.is_power_of_two() => {
                warn!(session, message_id, failures, %problem, "not published yet");
            }
            _ => debug!(session, message_id, failures, %problem, "not published yet"),
        }
    }
}
