//! Where a storage account's blobs are and how they open, for whoever keeps something there.
//!
//! [`settings`] reads a connection `X` as the Functions host does (`X`, or `X__blobServiceUri` with
//! an identity), [`StorageAccount`] says where the account is, [`Container`] opens one container
//! of it through the SDK, with nothing sent twice, and [`Failure`] says what an error means to a
//! conditional write.

#![cfg_attr(
    not(test),
    forbid(
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::todo,
        clippy::unimplemented,
        clippy::unreachable,
        clippy::unwrap_used
    )
)]
#![warn(missing_docs)]

mod account;
mod container;
mod failure;
pub mod settings;
mod shared_key;
mod trace;

pub use account::{Access, AccountError, Grant, StorageAccount};
pub use container::Container;
pub use failure::{Failure, StorageError};
pub use shared_key::AccountKey;
