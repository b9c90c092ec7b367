//! What becomes of a message when its invocation has ended: completed, given back, or left.

use std::time::Duration;

use bus::{Abandoned, Delivery, LockLost};

use super::{Dispatch, Verdict};
use crate::answer::Success;
use crate::app::Cardinality;
use crate::events::{Delivered, DeliveryOutcome, Event, InvocationFailure, Level};
use crate::handler::Ended;

impl Dispatch {
    /// Settles every message of an invocation by its one verdict, each under its own lock, and
    /// tells it.
    pub(super) fn settle(&self, deliveries: &[Delivery], verdict: Verdict, took: Duration) {
        let verdict = self.unless_late(self.told_once(verdict));
        for delivery in deliveries {
            let outcome = self.settle_one(delivery, &verdict);
            self.tell(delivery, outcome.unwrap_or(DeliveryOutcome::LockLost), took);
        }
    }

    /// The lines of an answer are of the invocation: with a batch they are told once, and not of
    /// each message.
    fn told_once(&self, verdict: Verdict) -> Verdict {
        let Verdict::Success(Success { status, logs }) = verdict else {
            return verdict;
        };
        if self.cardinality == Cardinality::One {
            return Verdict::Success(Success { status, logs });
        }
        for text in logs {
            let level = Level::Information;
            self.events.emit(Event::LogLine { level, text });
        }
        let logs = Vec::new();
        Verdict::Success(Success { status, logs })
    }

    /// The real host looks whether it stops before it completes a single message. Of a batch it
    /// does not.
    fn unless_late(&self, verdict: Verdict) -> Verdict {
        let single = self.cardinality == Cardinality::One;
        match verdict {
            Verdict::Success(_) if single && self.stopping.has_begun() => {
                Verdict::Failure(InvocationFailure::SucceededTooLate)
            }
            verdict => verdict,
        }
    }

    fn settle_one(
        &self,
        delivery: &Delivery,
        verdict: &Verdict,
    ) -> Result<DeliveryOutcome, LockLost> {
        let token = delivery.lock_token;
        match verdict {
            Verdict::Success(Success { status, logs }) => {
                self.queue.complete(token)?;
                Ok(DeliveryOutcome::Completed {
                    status: *status,
                    logs: logs.clone(),
                })
            }
            Verdict::Failure(why) => {
                let abandoned = self.queue.abandon(token)?;
                let last = matches!(abandoned, Abandoned::DeadLettered(_));
                let why = why.clone();
                Ok(DeliveryOutcome::Abandoned { why, last })
            }
            // Its connection to the broker ends in order, which gives back what it had received.
            Verdict::HostEnded(Ended::GaveUp) => {
                self.queue.give_back(token)?;
                Ok(DeliveryOutcome::Released)
            }
            // It is gone, and nobody settles.
            Verdict::HostEnded(Ended::Stopped) => Ok(DeliveryOutcome::LeftLocked),
        }
    }

    fn tell(&self, delivery: &Delivery, outcome: DeliveryOutcome, took: Duration) {
        let properties = &delivery.accepted.message.properties;
        let (sequence, delivery_count) = (delivery.accepted.sequence, delivery.delivery_count);
        let dead = matches!(outcome, DeliveryOutcome::Abandoned { last: true, .. });
        self.events.emit(Event::Delivered(Delivered {
            sequence,
            message_id: properties.message_id.clone(),
            session: properties.session_id.clone(),
            delivery_count,
            outcome,
            took,
        }));
        if dead {
            self.events.emit(Event::DeadLettered {
                sequence,
                session: properties.session_id.clone(),
                delivery_count,
                reason: bus::DeadLetterReason::MaxDeliveryCountExceeded,
            });
        }
    }
}
