//! Keeping a lock while the handler works.

use std::convert::Infallible;
use std::time::Duration;

use stand_in::Clock;
use time::OffsetDateTime;
use tokio::time::Instant;

/// A lock is extended so long before its end, or halfway when it is short.
const RENEWED_BEFORE: time::Duration = time::Duration::seconds(10);

/// Extends a lock in time, for as long as host.json allows; never returns.
pub(super) async fn keep_lock(
    clock: Clock,
    limit: Option<Duration>,
    mut locked_until: OffsetDateTime,
    extend: impl Fn() -> Option<OffsetDateTime>,
) -> Infallible {
    let started = Instant::now();
    loop {
        let left = locked_until - clock.now();
        let wait = left - RENEWED_BEFORE.min(left / 2);
        clock.sleep_until(clock.now() + wait).await;
        if limit.is_some_and(|limit| started.elapsed() >= limit) {
            break;
        }
        match extend() {
            Some(end) => locked_until = end,
            None => break,
        }
    }
    std::future::pending().await
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::AtomicBool;

    use bus::{LockLost, Message, Queue, QueueOptions};
    use tokio::time::sleep;

    use super::super::Dispatch;
    use super::*;
    use crate::app::{Cardinality, DataType};
    use crate::client::HandlerClient;
    use crate::events::Events;
    use crate::handler::Handler;
    use crate::invocation::Envelope;
    use crate::invoker::{Framing, Invoker};
    use crate::limits::{BatchLimits, Limits};
    use crate::stopping::Stopping;

    pub(in super::super) const MINUTE: Duration = Duration::from_secs(60);

    /// On a queue with sessions.
    pub(in super::super) fn dispatch() -> Dispatch {
        let options = QueueOptions {
            sessions: true,
            ..QueueOptions::default()
        };
        let (events, _) = Events::new();
        let client = HandlerClient::new();
        let invoker = Invoker::new(
            client,
            "http://127.0.0.1:9",
            "OrderItemsReserver",
            Framing::Chunked,
        );
        Dispatch {
            queue: Queue::new("order-items", options, Clock::new()),
            handler: Handler::elsewhere(),
            invoker: invoker.unwrap(),
            envelope: Envelope {
                function: "OrderItemsReserver".to_owned(),
                binding: "order".to_owned(),
                data_type: DataType::Binary,
                namespace: "localhost".to_owned(),
                client_id: uuid::Uuid::nil(),
                session_locked_until: None,
            },
            cardinality: Cardinality::One,
            limits: Limits {
                concurrent_calls: 1,
                concurrent_sessions: 1,
                session_idle: Some(MINUTE),
                function_timeout: None,
                lock_renewal: Some(10 * MINUTE),
                batch: BatchLimits {
                    most: 1000,
                    least: 1,
                    wait: None,
                },
            },
            traces: false,
            events,
            stopping: Stopping::new(),
            told_not_listening: AtomicBool::new(false),
        }
    }

    async fn completed_after(minutes: u32, limit: Option<Duration>) -> Result<(), LockLost> {
        let queue = Queue::new("order-items", QueueOptions::default(), Clock::new());
        queue.enqueue(Message::new("x")).unwrap();
        let delivery = queue.receive().await;
        let extend = || queue.renew(delivery.lock_token).ok();
        let keeping = keep_lock(queue.clock(), limit, delivery.locked_until, extend);
        tokio::select! {
            never = keeping => match never {},
            () = sleep(minutes * MINUTE) => {}
        }
        queue.complete(delivery.lock_token)
    }

    #[tokio::test(start_paused = true)]
    async fn a_lock_is_renewed_for_as_long_as_host_json_allows_and_then_lost() {
        let limit = Some(10 * MINUTE);
        assert_eq!(completed_after(9, limit).await, Ok(()));
        // Renewed for the last time within the limit, it holds for less than one more lock
        // duration.
        assert_eq!(completed_after(15, limit).await, Err(LockLost));
        assert_eq!(completed_after(60, None).await, Ok(()));
    }

    /// Seconds after which a lock of so many seconds is renewed, the first three times.
    async fn renewed_after(lock: i64) -> Vec<u64> {
        let clock = Clock::new();
        let started = Instant::now();
        let renewals = Mutex::new(Vec::new());
        let extend = || {
            let mut renewals = renewals.lock().unwrap();
            renewals.push(started.elapsed().as_secs_f64().round());
            Some(clock.now() + time::Duration::seconds(lock))
        };
        let until = clock.now() + time::Duration::seconds(lock);
        tokio::select! {
            never = keep_lock(clock, None, until, extend) => match never {},
            () = sleep(Duration::from_secs(lock.unsigned_abs() * 3)) => {}
        }
        let renewals = renewals.into_inner().unwrap();
        renewals.into_iter().take(3).map(|at| at as u64).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_lock_is_renewed_ten_seconds_before_its_end_or_halfway() {
        assert_eq!(renewed_after(300).await, [290, 580, 870]);
        assert_eq!(renewed_after(30).await, [20, 40, 60]);
        assert_eq!(renewed_after(10).await, [5, 10, 15]);
    }
}
