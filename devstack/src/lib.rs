//! The local stack: what the function needs of Azure, on one laptop and in one process.
//!
//! The way of a message: [`door`] → [`queue`] → [`host`] → the handler's process → [`blob`] or [`logic_app`].
//! [`dashboard`] shows all of it and breaks it on demand.
//! [`stack`] starts the parts and wires them by the function app's own files, which [`app`] reads.

mod accepting;
pub mod amqp;
pub mod app;
pub mod azurite;
pub mod blob;
pub mod chaos;
pub mod clock;
pub mod connection;
pub mod dashboard;
pub mod door;
pub mod host;
pub mod http_client;
pub mod load;
mod lock;
pub mod logic_app;
pub mod loopback;
pub mod mail;
mod newtonsoft;
pub mod operator;
pub mod ports;
mod programs;
pub mod queue;
pub mod running;
pub mod stack;
pub mod storefront;
pub mod workflow;
