//! The other programs of this workspace, as cargo has built them.

use std::path::PathBuf;

use tokio::process::Command;

/// The program of that name beside this one; a test's own binary is one folder further down.
pub(crate) fn beside_this(name: &str) -> PathBuf {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let this = std::env::current_exe().unwrap_or_default();
    let folders = this.ancestors().skip(1).take(2);
    folders
        .map(|folder| folder.join(&file))
        .find(|program| program.is_file())
        .unwrap_or_else(|| this.with_file_name(file))
}

/// Variables of this process that begin so are not handed on.
pub(crate) fn forget(command: &mut Command, prefixes: &[&str]) {
    for (name, _) in std::env::vars_os() {
        let shown = name.to_string_lossy();
        if prefixes.iter().any(|prefix| shown.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
}
