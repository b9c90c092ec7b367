//! A Service Bus queue on a laptop: its state, its journal, a REST door and an AMQP door.

#[cfg(feature = "amqp")]
mod amqp;
mod queue;
mod rest;

#[cfg(feature = "amqp")]
pub use amqp::{AMQP_PORT, AmqpDoor, AmqpOptions};
pub use queue::{
    Abandoned, Accepted, Counts, DeadDelivery, DeadLetter, DeadLetterReason, Delivery, Enqueued,
    JournalError, LockLost, Message, Peeked, Properties, Queue, QueueOptions, SendRefused,
    SessionLock, SessionLost, Transition,
};
pub use rest::{RestDoor, RestOptions};
