//! What comes next when something failed, and when: lines for who watches one order at work, with
//! `RUST_LOG=info,order_items_reserver::progress=debug`. A healthy order has none of them.
//!
//! Never in them: what [`crate::telemetry`] never says either.

use std::fmt::Display;
use std::time::Duration;

use tracing::debug;

use crate::order::{Delivery, Order};

/// An upload failed, and upload `attempt` comes after `wait`.
pub fn uploads_again(order: &Order, attempt: u32, wait: Duration, error: &impl Display) {
    debug!(
        session = order.session.as_str(),
        sequence_number = order.position.map(|position| position.sequence.0),
        next = "upload",
        attempt,
        wait_ms = milliseconds(wait),
        %error,
        "upload failed, another one follows"
    );
}

/// The fallback is asked now; `reason` is why.
pub fn asks_fallback(delivery: &Delivery, reason: &impl Display) {
    debug!(
        session = delivery.session_id.as_deref(),
        sequence_number = delivery.sequence_number.map(|number| number.0),
        delivery_count = delivery.delivery_count,
        next = "fallback",
        error = %reason,
        "not stored, the fallback is asked"
    );
}

/// Nobody took it, and it is given back after `wait`.
pub fn gives_back(delivery: &Delivery, wait: Duration) {
    debug!(
        session = delivery.session_id.as_deref(),
        sequence_number = delivery.sequence_number.map(|number| number.0),
        delivery_count = delivery.delivery_count,
        next = "give back",
        wait_ms = milliseconds(wait),
        "neither storage nor fallback took it, it is given back"
    );
}

fn milliseconds(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)
}
