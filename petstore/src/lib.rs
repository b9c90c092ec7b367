//! The storefront: a shopper changes the cart, and the session's whole order is published.
//!
//! The way of one change:
//!
//! 1. [`web`] reads the visit out of the signed [`cookie`] and takes the step the [`cart`] allows.
//! 2. The [`order`] of the whole cart goes into the [`outbox`], on disk before the page answers.
//! 3. The outbox gives it to the [`bus`], one at a time per session, the newest first and only.
//!
//! Imports point only to a lower layer:
//!
//! | layer | modules |
//! |---|---|
//! | 7 | `main` |
//! | 6 | `serve` |
//! | 5 | [`web`], [`check`], `parent` |
//! | 4 | [`config`], [`key_file`], [`pages`], [`outbox`] |
//! | 3 | [`bus`], [`cookie`], [`order`] |
//! | 2 | [`session`] |
//! | 1 | [`cart`], [`breeds`] |
//! | 0 | [`catalogue`] |

#![warn(missing_docs)]

pub mod breeds;
pub mod bus;
pub mod cart;
pub mod catalogue;
pub mod check;
pub mod config;
pub mod cookie;
pub mod key_file;
pub mod order;
pub mod outbox;
pub mod pages;
pub mod session;
pub mod web;
