//! What becomes of a message after its invocation, and what the host tells of it.

use std::time::Duration;

use super::answer::Success;
use super::delivered::{Delivered, Failure, Outcome};
use super::event::{Event, Events};
use bus::{Abandoned, Delivery, Queue};

/// Completes the message, or gives it back, and tells it.
pub(super) fn settle(
    queue: &Queue,
    events: &Events,
    delivery: &Delivery,
    invoked: Result<Success, Failure>,
    took: Duration,
) {
    let token = delivery.lock_token;
    let mut dead = None;
    let outcome = match invoked {
        Ok(Success { status, logs }) => queue
            .complete(token)
            .map(|()| Outcome::Completed { status, logs }),
        Err(why) => queue.abandon(token).map(|abandoned| {
            if let Abandoned::DeadLettered(reason) = abandoned {
                dead = Some(reason);
            }
            Outcome::Abandoned {
                why,
                last: dead.is_some(),
            }
        }),
    };
    let properties = &delivery.accepted.message.properties;
    let (sequence, delivery_count) = (delivery.accepted.sequence, delivery.delivery_count);
    events.emit(Event::Delivered(Delivered {
        sequence,
        message_id: properties.message_id.clone(),
        session: properties.session_id.clone(),
        delivery_count,
        outcome: outcome.unwrap_or(Outcome::LockLost),
        took,
    }));
    if let Some(reason) = dead {
        events.emit(Event::DeadLettered {
            sequence,
            session: properties.session_id.clone(),
            delivery_count,
            reason,
        });
    }
}
