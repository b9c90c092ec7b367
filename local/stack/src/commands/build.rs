//! `cargo build` of what the stack runs: once, and with `--watch` again when a source is saved,
//! which tells what programs have changed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process;
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use serde_json::Value;
use tokio::process::Command;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{LocalError, screen};

/// The handler, the storefront, the operator's tool.
///
/// Always all three at once: cargo chooses the features of shared crates by what is built together,
/// so another choice of packages would build those crates anew.
const PACKAGES: [&str; 3] = ["order-items-reserver", "petstore", "order-items-ops"];

/// Where the sources of the programs are; other folders change without need to build.
const SOURCES: [&str; 4] = ["src", "petstore/src", "petstore/assets", "ops/src"];

/// Files beside them: a folder is watched without what is below it.
const MANIFESTS: [&str; 3] = [".", "petstore", "ops"];

/// An editor saves in several steps, and a branch has many files: as long as changes follow one
/// another faster than this, they are one.
const QUIET: Duration = Duration::from_millis(150);

/// Builds; the exit code of cargo when that fails.
pub(super) fn build(root: &Path) -> Result<Option<ExitCode>, LocalError> {
    let status = cargo_build(root).status().map_err(LocalError::Cargo)?;
    let code = status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .map_or(ExitCode::FAILURE, ExitCode::from);
    Ok((!status.success()).then_some(code))
}

/// What `cargo run` says of this package to its program is not passed on: build scripts would
/// take it for a change, and build their crates anew each time.
fn cargo_build(root: &Path) -> process::Command {
    let mut cargo = process::Command::new("cargo");
    cargo.arg("build").current_dir(root);
    for package in PACKAGES {
        cargo.args(["--package", package]);
    }
    for (name, _) in std::env::vars_os() {
        let ours = name.to_string_lossy();
        if ours.starts_with("CARGO_PKG_") || ours.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&name);
        }
    }
    cargo
}

/// Watches as long as it lives.
#[derive(Debug)]
pub(super) struct Watch {
    root: PathBuf,
    changes: mpsc::UnboundedReceiver<()>,
    _watcher: RecommendedWatcher,
}

impl Watch {
    /// Watches the sources below `root`.
    pub(super) fn start(root: &Path) -> Result<Self, LocalError> {
        let (sender, changes) = mpsc::unbounded_channel();
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if event.is_ok_and(|event| is_a_change(&event)) {
                // An error means that nobody watches any more.
                sender.send(()).ok();
            }
        })?;
        for folder in SOURCES.map(|folder| root.join(folder)) {
            if folder.is_dir() {
                watcher.watch(&folder, RecursiveMode::Recursive)?;
            }
        }
        for folder in MANIFESTS.map(|folder| root.join(folder)) {
            if folder.is_dir() {
                watcher.watch(&folder, RecursiveMode::NonRecursive)?;
            }
        }
        Ok(Self {
            root: root.to_owned(),
            changes,
            _watcher: watcher,
        })
    }

    /// Waits for a change and builds; the programs that are new then, none when the build failed.
    ///
    /// Dropping the future ends the build.
    pub(super) async fn rebuilt(&mut self) -> BTreeSet<String> {
        if self.changes.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
        while let Ok(Some(())) = timeout(QUIET, self.changes.recv()).await {}
        match self.build().await {
            Ok(programs) => programs,
            Err(problem) => {
                // A closed output ends the stack at its next line.
                screen::print(&format!("{problem}; what runs stays as it was")).ok();
                BTreeSet::new()
            }
        }
    }

    async fn build(&self) -> Result<BTreeSet<String>, String> {
        let mut cargo = Command::from(cargo_build(&self.root));
        // Errors for people go to stderr as ever; stdout says what is new.
        cargo
            .args(["--quiet", "--message-format", "json-render-diagnostics"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true);
        let failed = |error| format!("cannot run cargo build: {error}");
        let build = cargo.spawn().map_err(failed)?;
        let output = build.wait_with_output().await.map_err(failed)?;
        if !output.status.success() {
            return Err("the build failed".to_owned());
        }
        let lines = String::from_utf8_lossy(&output.stdout);
        Ok(lines.lines().filter_map(new_program).collect())
    }
}

fn is_a_change(event: &Event) -> bool {
    let read_only = matches!(event.kind, EventKind::Access(_));
    let source = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let extension = path.extension().unwrap_or_default().to_string_lossy();
        name == "Cargo.lock" || ["rs", "toml", "css", "js", "svg"].contains(&&*extension)
    };
    !read_only && event.paths.iter().any(source)
}

/// The name in a message of cargo that says that a program was built, and not found as it should
/// be.
fn new_program(message: &str) -> Option<String> {
    let message: Value = serde_json::from_str(message).ok()?;
    let is_program = message.get("executable").is_some_and(Value::is_string);
    let is_new = message.get("fresh")? == false;
    let name = message.pointer("/target/name")?.as_str()?;
    (is_program && is_new).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_programs_that_were_built_are_new() {
        let message = r#"{"reason":"compiler-artifact","target":{"name":"petstore"},"executable":"/t/petstore","fresh":false}"#;
        assert_eq!(new_program(message).as_deref(), Some("petstore"));
        assert_eq!(new_program(&message.replace("false", "true")), None);
        assert_eq!(
            new_program(&message.replace("\"/t/petstore\"", "null")),
            None
        );
        assert_eq!(
            new_program(r#"{"reason":"build-finished","success":true}"#),
            None
        );
    }

    #[test]
    fn an_editors_own_files_are_no_change() {
        let saved = |path: &str| Event::new(EventKind::Any).add_path(path.into());
        assert!(is_a_change(&saved("src/main.rs")));
        assert!(!is_a_change(&saved("src/.main.rs.swp")));
        assert!(!is_a_change(&saved("src/4913")));
        let kind = EventKind::Access(notify::event::AccessKind::Any);
        assert!(!is_a_change(
            &Event::new(kind).add_path("src/main.rs".into())
        ));
    }
}
