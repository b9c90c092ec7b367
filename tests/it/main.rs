//! The invariants of `ARCHITECTURE.md`, one test binary. Each test is named after what it holds.

mod agreement;
mod crash;
mod hostile;
mod invocation;
mod layers;
mod matrix;
mod model;
mod order;
mod pipeline;
mod process;
mod properties;
mod store_contract;
mod support;
mod wire;
