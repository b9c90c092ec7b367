//! The storefront: a shopper changes the cart, and the session's whole order is published.
//!
//! The way of one click:
//!
//! 1. [`web`] finds the key in the shopper's [`cookie`] and makes an operation of the form.
//! 2. [`carts`] reads the shopper's [`record`] from the [`store`], lets it take the click, and
//!    writes it under the condition that nobody wrote since. Only then the page answers.
//! 3. The record says what the [`bus`] has yet to take. The [`outbox`] sends it, one message at a
//!    time per record and the same one until the bus has it, and takes it out of the record.
//! 4. A mark in the store leads every instance to what is left over.
//!
//! Imports point only to a lower layer:
//!
//! | layer | modules |
//! |---|---|
//! | 9 | `main` |
//! | 8 | `serve` |
//! | 7 | [`web`], [`check`] |
//! | 6 | [`outbox`], [`config`], [`pages`] |
//! | 5 | [`carts`], [`cookie`], [`store::azure`] |
//! | 4 | [`store`], [`bus`] |
//! | 3 | [`record`] |
//! | 2 | [`order`] |
//! | 1 | [`cart`], [`session`] |
//! | 0 | [`catalogue`] |

#![warn(missing_docs)]

pub mod bus;
pub mod cart;
pub mod carts;
pub mod catalogue;
pub mod check;
pub mod config;
pub mod cookie;
pub mod order;
pub mod outbox;
pub mod pages;
pub mod record;
pub mod session;
pub mod store;
pub mod web;
