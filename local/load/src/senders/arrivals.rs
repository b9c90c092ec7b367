//! When carts arrive: at a fixed rate whatever the stack does, or as fast as it takes them.

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use time::OffsetDateTime;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::{Due, Slot};
use crate::access::Bus;
use crate::plan::Pace;

/// At the highest rate, no more carts arrive while so many messages wait.
const BACKLOG_MAX: u64 = 1_000;

/// How many carts arrived.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Arrived {
    /// All of them.
    pub(crate) carts: u64,
    /// Of them, those that a newer one of their session replaced before they were sent.
    pub(crate) replaced: u64,
}

/// Fills the slots until `end`.
pub(crate) async fn run(
    pace: Pace,
    slots: &[Arc<Slot>],
    bus: &Bus,
    end: Instant,
    random: Rng,
) -> Arrived {
    match pace {
        Pace::Rate(rate) => at_rate(rate, slots, end, random).await,
        Pace::Max => as_fast_as_taken(slots, bus, end).await,
    }
}

/// Each cart has its moment, and what comes late counts from it: a stall of the stack is not left
/// out.
async fn at_rate(rate: f64, slots: &[Arc<Slot>], end: Instant, mut random: Rng) -> Arrived {
    let (began, began_utc) = (Instant::now(), OffsetDateTime::now_utc());
    let mut arrived = Arrived::default();
    for number in 0_u64.. {
        #[expect(clippy::cast_precision_loss, reason = "exact below 2^53 carts")]
        let after = Duration::from_secs_f64(number as f64 / rate);
        if began + after >= end {
            break;
        }
        sleep_until(began + after).await;
        let Some(slot) = random.choice(slots) else {
            break;
        };
        arrived.carts += 1;
        arrived.replaced += u64::from(slot.fill(began_utc + after));
    }
    arrived
}

/// Whoever has nothing waiting gets a cart.
async fn as_fast_as_taken(slots: &[Arc<Slot>], bus: &Bus, end: Instant) -> Arrived {
    let mut arrived = Arrived::default();
    let (length, mut now) = watch::channel(0);
    let fill = async {
        while Instant::now() < end {
            if *now.borrow_and_update() > BACKLOG_MAX {
                sleep(Duration::from_millis(5)).await;
                continue;
            }
            for slot in slots {
                if slot.fill_if_empty(Due::cart(OffsetDateTime::now_utc())) {
                    arrived.carts += 1;
                }
            }
            sleep(Duration::from_millis(1)).await;
        }
    };
    let measure = async {
        loop {
            if let Ok(counts) = bus.counts().await {
                length.send_replace(counts.active);
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::select! {
        () = fill => {}
        () = measure => {}
    }
    arrived
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn carts_arrive_at_the_rate_although_nobody_takes_them() {
        let slots: Vec<Arc<Slot>> = (0..5).map(|_| Arc::default()).collect();
        let end = Instant::now() + Duration::from_secs(2);
        let arrived = at_rate(100.0, &slots, end, Rng::with_seed(1)).await;
        assert_eq!(
            arrived,
            Arrived {
                carts: 200,
                replaced: 195
            }
        );
    }
}
