//! The local stack.

pub mod app;
pub mod blob;
pub mod clock;
pub mod connection;
pub mod door;
pub mod host;
mod http_client;
mod http_server;
pub mod logic_app;
pub mod loopback;
pub mod queue;
