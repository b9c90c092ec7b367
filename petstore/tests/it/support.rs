//! What the tests share: a bus, a store, a shop, a shopper.

pub(crate) mod bus;
pub(crate) mod memory;
pub(crate) mod shop;
pub(crate) mod shopper;
pub(crate) mod store;
