//! Where a Service Bus queue is and how it opens over REST, for whoever sends or receives.
//!
//! [`settings`] reads `ServiceBusConnection` and its neighbours as the function's trigger does,
//! [`Connection`] says where the queue is, [`Tokens`] open it and send with one renewal.
#![warn(missing_docs)]

mod connection;
mod sas;
pub mod settings;
mod token;

pub use connection::{Access, Connection, ConnectionError};
pub use sas::{SharedKey, shared_access_signature};
pub use settings::Queue;
pub use token::{RequestError, TokenError, Tokens};
