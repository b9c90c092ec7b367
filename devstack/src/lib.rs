//! The local stack.

pub mod app;
pub mod blob;
pub mod clock;
pub mod logic_app;
pub mod loopback;
pub mod queue;
