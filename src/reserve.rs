//! THE DATA PATH: parse, or hand over; store with retries; on exhaustion hand over; the
//! fallback's yes completes, its no abandons.

mod attempt;
mod batch;

use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::fallback::{Fallback, FallbackError, Notice, Reason};
use crate::order::{Delivery, Order};
use crate::progress;
use crate::retry::Retry;
use crate::store::{OrderStore, Put};
pub use batch::{BatchLimits, MAILS_AT_ONCE};

/// The longest wait before a message is given back, in seconds.
pub const REDELIVERY_WAIT_MAX_SECS: u64 = 60;

/// Reserves orders: the whole of what happens to one message.
#[derive(Debug)]
pub struct Reserver<S, F> {
    /// Where orders are kept.
    pub store: S,
    /// Who takes those that could not be kept.
    pub fallback: F,
    /// How often storing is tried.
    pub retry: Retry,
    /// Time limit of the one call of the fallback.
    pub fallback_timeout: Duration,
    /// How far a batch may go.
    pub batch: BatchLimits,
}

/// What the broker is told. There is no acknowledgement without a reason.
#[derive(Debug)]
pub enum Settlement {
    /// The message is done: take it off the queue.
    Complete(Outcome),
    /// Nobody has the order: deliver the message again.
    Abandon(GivenBack),
}

/// Why nobody has the order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GivenBack {
    /// The fallback did not take it.
    #[error(transparent)]
    Fallback(#[from] FallbackError),
    /// Others of its batch took so long that it was not begun, or not handed over.
    #[error("the time of its batch was over before its turn")]
    OutOfTime,
    /// Of its batch only a newer order of its session was tried, and nobody has that.
    #[error("the batch's newest order of its session is neither stored nor handed over")]
    NewerOpen,
}

/// Why a message is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its order is in the session's blob.
    Stored,
    /// The session's blob holds a newer order.
    Superseded,
    /// A person has been told, with the whole order.
    HandedOver,
}

/// The end of one delivery, and what led to it.
#[derive(Debug)]
pub struct Reservation {
    /// What the broker is told.
    pub settlement: Settlement,
    /// The order, unless the message was unreadable.
    pub order: Option<Order>,
    /// Uploads that were tried.
    pub attempts: u32,
    /// Why the order was not stored, if it was not.
    pub reason: Option<Reason>,
}

impl Reservation {
    /// Whether nobody has the order, and its message has to come again.
    #[must_use]
    pub fn is_given_back(&self) -> bool {
        matches!(self.settlement, Settlement::Abandon(_))
    }

    /// Whether all went as it mostly does, and nobody will look for it: the first upload stored the
    /// order, or a newer one of its batch came in its stead.
    #[must_use]
    pub fn is_routine(&self) -> bool {
        match self.settlement {
            Settlement::Complete(Outcome::Stored) => self.attempts == 1,
            Settlement::Complete(Outcome::Superseded) => self.attempts == 0,
            Settlement::Complete(Outcome::HandedOver) | Settlement::Abandon(_) => false,
        }
    }
}

impl<S, F> Reserver<S, F> {
    /// The same with what `change` makes of its fallback.
    pub fn with_fallback<G>(self, change: impl FnOnce(F) -> G) -> Reserver<S, G> {
        Reserver {
            store: self.store,
            fallback: change(self.fallback),
            retry: self.retry,
            fallback_timeout: self.fallback_timeout,
            batch: self.batch,
        }
    }
}

impl<S: OrderStore, F: Fallback> Reserver<S, F> {
    /// Brings one delivery to its end. The order is durable, or accepted by the fallback, before
    /// this returns [`Settlement::Complete`].
    ///
    /// What nobody took is given back after a wait: the broker itself redelivers at once, ten
    /// times, and then gives up.
    pub async fn reserve(&self, delivery: &Delivery) -> Reservation {
        let reservation = self.reserve_at_once(delivery).await;
        if reservation.is_given_back() {
            let wait = redelivery_wait(delivery);
            progress::gives_back(delivery, wait);
            sleep(wait).await;
        }
        reservation
    }

    /// The same without the wait, for who takes from a queue that gives up on nothing: an
    /// operator at the dead letters.
    pub async fn reserve_at_once(&self, delivery: &Delivery) -> Reservation {
        let order = match Order::parse(delivery) {
            Ok(order) => order,
            Err(error) => {
                return self
                    .hand_over(delivery, None, Reason::Unreadable(error))
                    .await;
            }
        };
        match self.store(order).await {
            Ok(reservation) => reservation,
            Err((order, reason)) => self.hand_over(delivery, Some(order), reason).await,
        }
    }

    /// All attempts to store it, and why they failed.
    async fn store(&self, order: Order) -> Result<Reservation, (Order, Reason)> {
        let attempt = async |number| {
            let put = async {
                match number {
                    1 => self.store.put(&order).await,
                    _ => self.store.put_again(&order).await,
                }
            };
            attempt::traced(&order, number, put).await
        };
        let mut tried = 0;
        let failed = |error: &_, wait| {
            tried += 1;
            progress::uploads_again(&order, tried + 1, wait, error);
        };
        let attempts = self.retry.run_telling(attempt, failed);
        let stored = match order.trace {
            Some(trace) => trace.within(attempts).await,
            None => attempts.await,
        };
        let stored = match stored {
            Ok(stored) => stored,
            Err(exhausted) => return Err((order, Reason::NotConfirmed(exhausted))),
        };
        let outcome = match stored.value {
            Put::Stored => Outcome::Stored,
            Put::Superseded => Outcome::Superseded,
        };
        Ok(Reservation {
            settlement: Settlement::Complete(outcome),
            order: Some(order),
            attempts: stored.attempts,
            reason: None,
        })
    }

    /// Only the fallback's yes completes; its no gives the message back.
    async fn hand_over(
        &self,
        delivery: &Delivery,
        order: Option<Order>,
        reason: Reason,
    ) -> Reservation {
        progress::asks_fallback(delivery, &reason);
        let notice = Notice {
            delivery,
            order: order.as_ref(),
            reason: &reason,
        };
        let accepted = timeout(self.fallback_timeout, self.fallback.send(&notice))
            .await
            .unwrap_or(Err(FallbackError::TimedOut(self.fallback_timeout)));
        let settlement = match accepted {
            Ok(()) => Settlement::Complete(Outcome::HandedOver),
            Err(error) => Settlement::Abandon(error.into()),
        };
        Reservation {
            settlement,
            order,
            attempts: reason.attempts(),
            reason: Some(reason),
        }
    }
}

/// How long a message that is given back waits first: 1, 2, 4 … 60 s, by how often it was
/// delivered.
#[must_use]
pub fn redelivery_wait(delivery: &Delivery) -> Duration {
    let earlier = delivery.delivery_count.unwrap_or(1).saturating_sub(1);
    let seconds = 1_u64.checked_shl(earlier).unwrap_or(u64::MAX);
    Duration::from_secs(seconds.min(REDELIVERY_WAIT_MAX_SECS))
}
