//! Keeps a lock while the handler works.

use std::convert::Infallible;
use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::Instant;

use stand_in::Clock;

/// Extends a lock in time, for as long as host.json allows; never returns.
pub(super) async fn keep(
    clock: Clock,
    limit: Option<Duration>,
    mut locked_until: OffsetDateTime,
    extend: impl Fn() -> Option<OffsetDateTime>,
) -> Infallible {
    let started = Instant::now();
    loop {
        let left = locked_until - clock.now();
        clock.sleep_until(clock.now() + left / 2).await;
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
mod tests {
    use super::*;
    use bus::{LockLost, Message, Queue, QueueOptions};
    use tokio::time::sleep;

    const MINUTE: Duration = Duration::from_secs(60);

    async fn completed_after(minutes: u32, limit: Option<Duration>) -> Result<(), LockLost> {
        let queue = Queue::new("order-items", QueueOptions::default(), Clock::new());
        queue.enqueue(Message::new("x")).unwrap();
        let delivery = queue.receive().await;
        let extend = || queue.renew(delivery.lock_token).ok();
        tokio::select! {
            never = keep(queue.clock(), limit, delivery.locked_until, extend) => match never {},
            () = sleep(minutes * MINUTE) => {}
        }
        queue.complete(delivery.lock_token)
    }

    #[tokio::test(start_paused = true)]
    async fn a_lock_is_renewed_for_as_long_as_host_json_allows_and_then_lost() {
        let limit = Some(10 * MINUTE);
        assert_eq!(completed_after(9, limit).await, Ok(()));
        // Renewed for the last time within the limit, it holds for less than one more lock duration.
        assert_eq!(completed_after(15, limit).await, Err(LockLost));
        assert_eq!(completed_after(60, None).await, Ok(()));
    }
}
