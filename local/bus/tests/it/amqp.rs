//! The AMQP door: clients that send, Microsoft's own, and those who break the rules.

mod clients;
mod faults;
mod hostile;
mod one_port;
mod receiving;
mod rules;
mod sending;
mod wire;
