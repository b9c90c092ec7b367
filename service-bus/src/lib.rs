//! Where a Service Bus queue is and how it opens over REST, for whoever sends or receives.
//!
//! [`settings`] reads `ServiceBusConnection` and its neighbours as the function's trigger does,
//! [`Connection`] says where the queue is, [`Tokens`] open it and send with one renewal, and
//! [`retry_after`] reads how long an answer asks to wait.
#![warn(missing_docs)]

mod connection;
mod retry_after;
mod sas;
pub mod settings;
mod token;

pub use connection::{Access, Connection, ConnectionError};
pub use retry_after::retry_after;
pub use sas::{SharedKey, shared_access_signature};
pub use settings::Queue;
pub use token::{RequestError, TokenError, Tokens};
