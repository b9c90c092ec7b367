//! Long outages in virtual time: the queue, the wire format and the data path in one process.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bus::{DeadLetterReason, Message, Queue, QueueOptions};
use host::app::DataType;
use host::encode_invocation;
use order_items_reserver::fallback::{Fallback, FallbackError, Notice};
use order_items_reserver::invocation;
use order_items_reserver::invocation::Invocation;
use order_items_reserver::order::Order;
use order_items_reserver::reserve::{Outcome, Reserver, Settlement};
use order_items_reserver::retry::Retry;
use order_items_reserver::store::{OrderStore, Put, StoreError};
use stand_in::Clock;
use storage_account::StorageError;
use tokio::time::Instant;

use crate::invocation::doubles::LIMITS;

const SESSION: &str = "E7DBA502A3B795953DDE76EA965EBBF3";
const CART: &[u8] = br#"{"id":"E7DBA502A3B795953DDE76EA965EBBF3", "products":null}"#;

/// A store that refuses so many uploads, and then works.
struct DownFor(AtomicU32);

impl OrderStore for DownFor {
    async fn put(&self, _: &Order) -> Result<Put, StoreError> {
        let left = self.0.load(Ordering::Relaxed);
        if left == 0 {
            return Ok(Put::Stored);
        }
        self.0.store(left - 1, Ordering::Relaxed);
        Err(StorageError::Unreachable("refused".to_owned()).into())
    }
}

struct Down;

impl Fallback for Down {
    async fn send(&self, _: &Notice<'_>) -> Result<(), FallbackError> {
        Err(FallbackError::Refused(502))
    }
}

struct Outage {
    queue: Queue,
    reserver: Reserver<DownFor, Down>,
}

/// A delivery that was handled: its count, its end, and the time it took.
type Handled = (u32, Settlement, Duration);

impl Outage {
    fn of(failing_uploads: u32) -> Self {
        let queue = Queue::new("order-items", QueueOptions::default(), Clock::new());
        queue
            .enqueue(Message::new(CART).with_session(SESSION).with_id("m-1"))
            .unwrap();
        let retry = Retry {
            attempt_timeout: Duration::from_secs(10),
            backoff_base: Duration::from_secs(1),
        };
        let reserver = Reserver {
            store: DownFor(AtomicU32::new(failing_uploads)),
            fallback: Down,
            retry,
            fallback_timeout: Duration::from_secs(100),
            batch: LIMITS,
        };
        Self { queue, reserver }
    }

    /// What the host does with the next message; `None` when there is none.
    async fn deliver(&self) -> Option<Handled> {
        let locked = self.queue.try_receive()?;
        let request = encode_invocation(&locked, DataType::Binary);
        let Invocation::One(delivery) = invocation::parse(&request).unwrap() else {
            panic!("one message, and no batch");
        };
        let began = Instant::now();
        let settlement = self.reserver.reserve(&delivery).await.settlement;
        match settlement {
            Settlement::Complete(_) => self.queue.complete(locked.lock_token).unwrap(),
            Settlement::Abandon(_) => drop(self.queue.abandon(locked.lock_token).unwrap()),
        }
        Some((locked.delivery_count, settlement, began.elapsed()))
    }
}

#[tokio::test(start_paused = true)]
async fn l1_with_storage_and_fallback_down_a_message_ends_as_a_dead_letter_with_its_bytes() {
    let outage = Outage::of(u32::MAX);
    let mut waits = Vec::new();
    while let Some((_, settlement, took)) = outage.deliver().await {
        assert!(matches!(settlement, Settlement::Abandon(_)));
        waits.push(took.as_secs());
    }

    // The uploads fail at once, so each delivery takes the back-off (up to 1 + 2 + 4 s) and the
    // wait.
    let expected = [1, 2, 4, 8, 16, 32, 60, 60, 60, 60];
    assert_eq!(waits.len(), expected.len());
    for (took, wait) in waits.iter().zip(expected) {
        assert!((wait..=wait + 7).contains(took), "{waits:?}");
    }
    let dead = outage.queue.dead_letters();
    let [letter] = dead.as_slice() else {
        panic!("{dead:?}")
    };
    assert_eq!(letter.reason, DeadLetterReason::MaxDeliveryCountExceeded);
    assert_eq!(letter.accepted.message.body, CART);
    assert_eq!(
        letter.accepted.message.properties.session_id.as_deref(),
        Some(SESSION)
    );
}

#[tokio::test(start_paused = true)]
async fn l1_when_the_storage_comes_back_before_the_tenth_delivery_the_order_lands() {
    for failing_deliveries in 1..10 {
        let outage = Outage::of(failing_deliveries * 4);
        let mut last = None;
        while let Some(handled) = outage.deliver().await {
            last = Some(handled);
        }
        let (count, settlement, _) = last.unwrap();
        assert_eq!(count, failing_deliveries + 1);
        assert!(matches!(settlement, Settlement::Complete(Outcome::Stored)));
        assert!(outage.queue.dead_letters().is_empty());
    }
}
