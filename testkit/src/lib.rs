//! What the tests of all packages share: no product uses it, and it uses none.
//!
//! - Waiting: `wait` (`until`, `within`).
//! - Places: `net` (free ports, ports where nobody listens), `fixture` (folders, a function app).
//! - Peers: `scripted` (a server that misbehaves byte for byte), `handler` (one for a host under
//!   test), `spans` (who takes OpenTelemetry's), `workflow` (the files of infra's workflow, and who
//!   calls it).
//! - Cases that two readers share: `local_settings`.
//! - Processes: `child` (this binary again, to kill), `programs` (the workspace's own), `clients`
//!   (Microsoft's), `browser`; their `packages` are installed by the first test that needs them.
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
pub mod local_settings;
pub mod net;
mod packages;
pub mod programs;
pub mod scripted;
pub mod spans;
mod wait;
pub mod workflow;

use std::io;
use std::io::Write as _;
use std::path::{Path, PathBuf};

pub use wait::{until, until_async, within};

/// The workspace: the function app's own files are there.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace")
        .to_owned()
}

/// Cargo's target folder, whatever it is called: a test binary is in `<target>/<profile>/deps`.
pub fn target() -> PathBuf {
    let this = std::env::current_exe().expect("this binary");
    let target = this.ancestors().nth(3);
    target
        .expect("a test binary is in cargo's target folder")
        .to_owned()
}

/// Says that the tests of `what` are not run here, and what they need. With `CI=true` that is a
/// failure.
pub fn skipped(what: &str, problem: &str, needs: &str) {
    #[expect(clippy::disallowed_methods, reason = "not a setting of the product")]
    let ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(!ci, "CI has to run the tests of {what}: {problem}");
    // Past the capture of the test harness, which hides what a passing test prints.
    writeln!(
        io::stderr(),
        "\nSKIPPED: {what}. {problem}\nTo run it, install {needs}.\n"
    )
    .ok();
}
