//! The part of Blob Storage that an order takes, with a history of every accepted write.
//!
//! Container and block blob operations of version 2023-11-03, addressed like the emulator's
//! (`/{account}/{container}/{blob}`), with real conditions, error codes and Shared Key signatures.
//! What the service can do and this endpoint cannot is refused by name, never ignored.
//!
//! Several accounts may be served on one port, each with its own key, content and fault switch.
//!
//! Three differences are on purpose. Reads need no signature, as in a public container, so that
//! a plain `curl` or a browser shows an order. Shared access signatures and tokens are refused.
//! And every accepted write stays in a history, without its content, so that a test can tell
//! whether a blob ever went back to an older state.
//!
//! Way of an upload: `serve` (faults, and which operation) → `shared_key` (who asks) →
//! `operations` (what its `headers` say) → [`BlobStorage`] in `storage` (conditions, ETag) →
//! `storage/disk` (file and line) → `storage/history`; then `answer` words it. What a process left
//! in the folder is put right by `storage/recovery` at the next start.

pub use account::{ACCOUNT, ACCOUNT_KEY, Account};
pub use azurite::{Azurite, AzuriteError, AzuriteOptions};
pub use endpoint::BlobEndpoint;
pub use handle::{BlobHandle, HeldUpload};
pub use storage::{
    Blob, BlobStorage, Conditions, ETagCondition, OpenError, StorageError, StoredBlob, Upload,
    Versions, Write,
};

mod account;
mod answer;
mod azurite;
mod endpoint;
mod handle;
mod headers;
mod listing;
mod operations;
mod sas;
mod serve;
mod shared_key;
mod storage;
mod target;
