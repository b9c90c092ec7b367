//! A Service Bus queue on a laptop: its state, its journal, a REST door and an AMQP door.
//!
//! The way of a message:
//!
//! ```text
//! rest, amqp             it is sent; `sas` checks who sends, `faults` breaks it on demand
//! queue                  the handle: send, receive, settle, sessions, dead letters
//!  ├ queue/shared         the lock, the clock, and who hears of it
//!  ├ queue/state          decides, and is pure
//!  ├ queue/transition     what has happened now
//!  └ queue/journal        keeps it on disk
//! ```

#[cfg(feature = "amqp")]
mod amqp;
mod faults;
mod queue;
mod rest;
mod sas;

#[cfg(feature = "amqp")]
pub use amqp::{AMQP_PORT, AmqpDoor, AmqpOptions, AmqpService};
pub use faults::SenderFaults;
pub use queue::{
    Abandoned, Accepted, AmqpBytes, AmqpForm, BodyKind, Counts, DeadDelivery, DeadLetter,
    DeadLetterReason, Delivery, Enqueued, HeldLock, HeldSession, Holder, ID_MAX, JournalError,
    LockLost, MESSAGE_MAX, Message, MessageState, NoSuchNumber, Peeked, Properties,
    PropertyChanges, Queue, QueueOptions, Receiver, SendRefused, SessionHeld, SessionLock,
    SessionLost, Transition,
};
pub use rest::{RestDoor, RestOptions};
