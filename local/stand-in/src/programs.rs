//! The other programs of this workspace, as cargo has built them.

use std::path::PathBuf;
use std::process::Stdio;

use tokio::process::Command;

/// The program of that name beside this one; a test's own binary is one folder further down.
pub fn beside_this(name: &str) -> PathBuf {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let this = std::env::current_exe().unwrap_or_default();
    let folders = this.ancestors().skip(1).take(2);
    folders
        .map(|folder| folder.join(&file))
        .find(|program| program.is_file())
        .unwrap_or_else(|| this.with_file_name(file))
}

/// Variables of this process that begin so are not handed on.
pub fn forget(command: &mut Command, prefixes: &[&str]) {
    for (name, _) in std::env::vars_os() {
        let shown = name.to_string_lossy();
        if prefixes.iter().any(|prefix| shown.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
}

/// Ties a program to this one: it ends when its input does, however we end. Ctrl+C in a terminal
/// goes to the whole group, which it leaves: the stack alone ends it.
pub fn attach(command: &mut Command) {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
}
