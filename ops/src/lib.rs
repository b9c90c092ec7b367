//! The operator's tool: gets orders out of the dead-letter queue without losing one.
//!
//! It shows what lies there, and redrives it without bringing an old cart back.
//!
//! A dead letter is never sent again: a new number would make an old cart the newest. [`redrive`]
//! takes it under a lock, runs the function's own reservation with the letter's own number and
//! time, and deletes it only when its order is stored, superseded or handed over.
//!
//! Imports point only to a lower layer:
//!
//! | layer | modules |
//! |---|---|
//! | 8 | `main` |
//! | 7 | `commands` |
//! | 6 | `redrive_command`, `orders_command` |
//! | 5 | `inspect` |
//! | 4 | [`cli`], `command_error` |
//! | 3 | [`redrive`], [`list`], [`export`], [`orders`] |
//! | 2 | [`status`], [`walk`]: one letter after another, all given back at the end |
//! | 1 | [`bus`]: the queue over REST, and its errors |
//! | 0 | [`letter`], [`settings`], [`local_settings`], [`text`] |

#![warn(missing_docs)]

pub mod bus;
pub mod cli;
pub mod export;
pub mod letter;
pub mod list;
pub mod local_settings;
pub mod orders;
pub mod redrive;
pub mod settings;
pub mod status;
pub mod text;
pub mod walk;
