//! A Service Bus queue on a laptop: its state, its journal, a REST door and an AMQP door.

#[cfg(feature = "amqp")]
pub mod amqp;
pub mod door;
pub mod queue;
