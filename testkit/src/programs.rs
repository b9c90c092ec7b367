//! The programs of this workspace, for tests of another package than theirs.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Once;

/// What `cargo local` builds, and all of it at once as there: another choice would have other
/// features, and build the crates that they share anew.
const PACKAGES: [&str; 3] = ["order-items-reserver", "petstore", "order-items-ops"];

/// The program `name`, built from the sources as they are.
pub fn built(name: &str) -> PathBuf {
    static BUILD: Once = Once::new();
    BUILD.call_once(|| {
        let mut cargo = Command::new("cargo");
        cargo.arg("build").current_dir(crate::workspace());
        cargo.env("CARGO_TARGET_DIR", crate::target());
        for package in PACKAGES {
            cargo.args(["--package", package]);
        }
        for (name, _) in std::env::vars_os() {
            let told = name.to_string_lossy();
            if told.starts_with("CARGO_PKG_") || told.starts_with("CARGO_MANIFEST_") {
                // Build scripts would take it for a change.
                cargo.env_remove(&name);
            }
        }
        assert!(cargo.status().expect("cargo").success());
    });
    crate::target().join("debug").join(name)
}
