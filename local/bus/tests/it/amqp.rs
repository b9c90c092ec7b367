//! The AMQP door: clients that send, Microsoft's own, and those who break the rules.

mod clients;
mod faults;
mod hostile;
mod links;
mod one_port;
mod rate;
mod receiving;
mod resume;
mod rules;
mod sending;
mod wire;
