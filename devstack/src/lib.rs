//! The local stack.

pub mod logic_app;
pub mod loopback;
