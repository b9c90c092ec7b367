//! The local stack.

pub mod blob;
pub mod logic_app;
pub mod loopback;
