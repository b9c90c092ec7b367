//! What the tests of all packages share; no product uses it, nor is anything of a product in it.
//!
//! - Waiting: `wait` (`until`, `within`).
//! - Places: `net` (free ports, ports where nobody listens), `fixture` (folders, a function app).
//! - Peers: `scripted` (a server that misbehaves byte for byte), `handler` (a handler for a host under test), `workflow` (infra's workflow, its caller).
//! - Processes: `child` (this binary again, to kill), `programs` (the workspace's own), `clients`
//!   (Microsoft's), `browser`.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "all of it is for tests, which clippy.toml allows them"
)]

pub mod browser;
pub mod child;
pub mod clients;
pub mod fixture;
pub mod handler;
pub mod net;
pub mod programs;
pub mod scripted;
pub mod wait;
pub mod workflow;

use std::path::{Path, PathBuf};

pub use wait::{until, until_async, within};

/// The workspace: the function app's own files are there.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace")
        .to_owned()
}

/// Cargo's target folder, whatever it is called.
pub fn target() -> PathBuf {
    let this = std::env::current_exe().expect("this binary");
    let target = this
        .ancestors()
        .find(|it| it.join("CACHEDIR.TAG").is_file());
    target
        .expect("a test binary is in cargo's target folder")
        .to_owned()
}

/// Whether a test may not be skipped.
pub fn ci() -> bool {
    #[expect(clippy::disallowed_methods, reason = "not a setting of the product")]
    std::env::var_os("CI").is_some_and(|value| value == "true")
}
