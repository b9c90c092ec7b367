//! A delivery that ended, in words.

use serde::Serialize;

use host::{Delivered, DeliveryOutcome};

/// A delivery that ended.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Delivery {
    number: u32,
    ended: String,
    took_ms: f64,
}

impl Delivery {
    pub(super) fn of(delivered: &Delivered) -> Self {
        Self {
            number: delivered.delivery_count,
            ended: ended(&delivered.outcome),
            took_ms: (delivered.took.as_secs_f64() * 1e4).round() / 10.0,
        }
    }
}

fn ended(outcome: &DeliveryOutcome) -> String {
    match outcome {
        DeliveryOutcome::Completed { status, logs } if logs.is_empty() => {
            format!("completed ({status})")
        }
        DeliveryOutcome::Completed { logs, .. } => logs.join("; "),
        DeliveryOutcome::Abandoned { why, last: false } => {
            format!("abandoned ({why}): it comes again")
        }
        DeliveryOutcome::Abandoned { why, last: true } => {
            format!("abandoned ({why}), for the last time")
        }
        DeliveryOutcome::LockLost => "the lock was lost: it comes again".to_owned(),
    }
}
