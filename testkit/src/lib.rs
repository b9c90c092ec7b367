//! What tests share: waits, listeners, folders, this binary as a child to kill, a browser, Microsoft's clients.
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
pub mod workflow;

use std::path::{Path, PathBuf};

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
