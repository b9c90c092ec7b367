//! What every stand-in is made of: server, faults, wire log, clock, lock, lines and formats.
//!
//! Way of a request: [`Server`] (socket, `wire`) → the stand-in's router → its [`FaultSwitch`] →
//! what the stand-in does, which it writes in one of the `formats` and keeps as [`lines`].

pub use axum::http::{Method, StatusCode};

pub use clock::Clock;
pub use connection::{AccessKey, Connection, ConnectionError};
pub use fault::{
    BUS_FAULTS, Fault, FaultDegree, LOGIC_APP_FAULTS, MAIL_FAULTS, NamedFault, STORAGE_FAULTS,
    UnknownFault,
};
pub use formats::{http_date, newtonsoft, xml};
pub use lock::Lock;
pub use server::{ACCEPT_PAUSE, Accepting, HangUp, Server, ServerHandle};
pub use switch::{FaultSwitch, Flaky};
pub use wire::{Moment, Request, Seen};

mod clock;
mod connection;
mod fault;
mod formats;
pub mod http_client;
pub mod lines;
mod lock;
pub mod programs;
mod server;
mod switch;
mod wire;
