//! How a process takes what the queue hands out: one message at a time, or many as a batch; and,
//! for the controls, by rules for a batch that are simpler than the product's.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use order_items_reserver::order::{Delivery, Order};
use order_items_reserver::reserve::{Outcome, Reservation, Reserver, Settlement};

use super::network::{Network, Protocol, Watched};

/// The product in one process.
pub(super) type Process<P> = Arc<Reserver<Watched<P>, Network>>;

/// What becomes of the messages of one invocation, in their order.
pub(super) type Taken = Pin<Box<dyn Future<Output = Vec<Reservation>> + Send>>;

pub(super) trait Taking {
    /// Messages of one invocation at the most.
    const MESSAGES_MAX: usize;
    /// Invocations at once in one process.
    const SLOTS: usize;
    /// How long a world without faults waits at a time, in milliseconds. What a batch may take is
    /// bounded, so a step must not take much of it.
    const WAIT_MS: u64;

    fn take<P: Protocol>(process: Process<P>, deliveries: Vec<Delivery>) -> Taken;
}

pub(super) struct Singly;

impl Taking for Singly {
    const MESSAGES_MAX: usize = 1;
    const SLOTS: usize = 3;
    const WAIT_MS: u64 = 10_001;

    fn take<P: Protocol>(process: Process<P>, deliveries: Vec<Delivery>) -> Taken {
        Box::pin(async move { vec![process.reserve(&deliveries[0]).await] })
    }
}

/// One more than the host, which runs one batch at a time: a batch whose locks were lost may still
/// run beside the next.
pub(super) struct InBatches;

impl Taking for InBatches {
    const MESSAGES_MAX: usize = 5;
    const SLOTS: usize = 2;
    const WAIT_MS: u64 = 1_001;

    fn take<P: Protocol>(process: Process<P>, deliveries: Vec<Delivery>) -> Taken {
        Box::pin(async move { process.reserve_all(&deliveries, |_, _| ()).await })
    }
}

/// For the control: the batch is acknowledged when any of it is done.
pub(super) struct WhenAnyIsDone;

impl Taking for WhenAnyIsDone {
    const MESSAGES_MAX: usize = InBatches::MESSAGES_MAX;
    const SLOTS: usize = InBatches::SLOTS;
    const WAIT_MS: u64 = InBatches::WAIT_MS;

    fn take<P: Protocol>(process: Process<P>, deliveries: Vec<Delivery>) -> Taken {
        Box::pin(async move {
            let mut taken = process.reserve_all(&deliveries, |_, _| ()).await;
            if taken.iter().any(|one| !one.is_given_back()) {
                for one in &mut taken {
                    if one.is_given_back() {
                        one.settlement = Settlement::Complete(Outcome::Superseded);
                    }
                }
            }
            taken
        })
    }
}

/// For the control: of each session the highest number is tried, whatever its partition and time,
/// and the others share its fate.
pub(super) struct HighestNumber;

impl Taking for HighestNumber {
    const MESSAGES_MAX: usize = InBatches::MESSAGES_MAX;
    const SLOTS: usize = InBatches::SLOTS;
    const WAIT_MS: u64 = InBatches::WAIT_MS;

    fn take<P: Protocol>(process: Process<P>, deliveries: Vec<Delivery>) -> Taken {
        Box::pin(async move {
            let mut taken = Vec::new();
            for delivery in &deliveries {
                let of_session = deliveries
                    .iter()
                    .filter(|other| other.session_id == delivery.session_id);
                let highest = of_session
                    .max_by_key(|other| other.sequence_number)
                    .unwrap();
                let is_tried = highest.message_id == delivery.message_id;
                taken.push(match is_tried {
                    true => process.reserve(delivery).await,
                    false => Reservation {
                        settlement: Settlement::Complete(Outcome::Superseded),
                        order: Some(Order::parse(delivery).unwrap()),
                        attempts: 0,
                        reason: None,
                    },
                });
            }
            taken
        })
    }
}
