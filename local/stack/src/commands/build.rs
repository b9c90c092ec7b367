//! `cargo build` of what the stack runs: once, and with `--watch` again when a source is saved,
//! which tells what programs have changed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process;
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use dashboard::BuildState;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{ChildStderr, Command};
use tokio::sync::mpsc;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::timeout;

use super::LocalError;

/// The handler, the storefront, the operator's tool: the programs have their packages' names.
const PROGRAMS: [&str; 3] = ["order-items-reserver", "petstore", "order-items-ops"];

/// This package. It is built already, and named all the same: cargo chooses the features of shared
/// crates by what it is asked for together, so another choice of packages than the one that built
/// this program would build those crates anew.
const OURS: &str = "stack";

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
    cargo.current_dir(root).args(["build", "--package", OURS]);
    for program in PROGRAMS {
        cargo.args(["--package", program, "--bin", program]);
    }
    for (name, _) in std::env::vars_os() {
        let ours = name.to_string_lossy();
        if ours.starts_with("CARGO_PKG_") || ours.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&name);
        }
    }
    cargo
}

/// What describes the app: the real host starts anew when one of them changes.
const APP_FILES: [&str; 3] = ["host.json", "function.json", "local.settings.json"];

/// What somebody has saved.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Saved {
    Source,
    /// One that describes the app, by its name.
    AppFile(String),
}

/// What is new.
#[derive(Debug, Default)]
pub(super) struct Change {
    /// Programs that were built.
    pub(super) programs: BTreeSet<String>,
    /// Files that describe the app.
    pub(super) app_files: BTreeSet<String>,
}

/// Watches as long as it lives.
#[derive(Debug)]
pub(super) struct Watch {
    root: PathBuf,
    changes: mpsc::UnboundedReceiver<Saved>,
    _watcher: RecommendedWatcher,
}

impl Watch {
    /// Watches the sources below `root`.
    pub(super) fn start(root: &Path) -> Result<Self, LocalError> {
        let (sender, changes) = mpsc::unbounded_channel();
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            for saved in event.iter().flat_map(saved) {
                // An error means that nobody watches any more.
                sender.send(saved).ok();
            }
        })?;
        for folder in SOURCES.map(|folder| root.join(folder)) {
            if folder.is_dir() {
                watcher.watch(&folder, RecursiveMode::Recursive)?;
            }
        }
        let manifests = MANIFESTS.map(|folder| root.join(folder));
        for folder in manifests.into_iter().chain(functions(root)) {
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

    /// Waits for a change, and builds when sources have changed, which is told to `teller`: what is
    /// new then.
    ///
    /// Dropping the future ends the build.
    pub(super) async fn changed(&mut self, teller: &UnboundedSender<BuildState>) -> Change {
        let Some(first) = self.changes.recv().await else {
            return std::future::pending().await;
        };
        let mut all = vec![first];
        while let Ok(Some(saved)) = timeout(QUIET, self.changes.recv()).await {
            all.push(saved);
        }
        let is_source = all.contains(&Saved::Source);
        let mut change = Change::default();
        for saved in all {
            if let Saved::AppFile(name) = saved {
                change.app_files.insert(name);
            }
        }
        if is_source {
            // An error means that nobody is there any more who would be told.
            teller.send(BuildState::Building).ok();
            let state = match self.build().await {
                Ok(programs) => {
                    change.programs = programs;
                    BuildState::Current
                }
                Err(error) => BuildState::failed(&error),
            };
            teller.send(state).ok();
        }
        change
    }

    /// The programs that are new, or the first error.
    async fn build(&self) -> Result<BTreeSet<String>, String> {
        let mut cargo = Command::from(cargo_build(&self.root));
        // Errors for people go to stderr as ever; stdout says what is new.
        cargo
            .args(["--quiet", "--message-format", "json-render-diagnostics"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let failed = |error| format!("cannot run cargo build: {error}");
        let mut build = cargo.spawn().map_err(failed)?;
        let words = build.stderr.take();
        let (output, words) = tokio::join!(build.wait_with_output(), passed_on(words));
        let output = output.map_err(failed)?;
        if !output.status.success() {
            return Err(first_error(&words));
        }
        let lines = String::from_utf8_lossy(&output.stdout);
        Ok(lines.lines().filter_map(new_program).collect())
    }
}

/// The folders of functions, each with its function.json.
fn functions(root: &Path) -> Vec<PathBuf> {
    let entries = root.read_dir().into_iter().flatten().flatten();
    let folders = entries.map(|entry| entry.path());
    folders
        .filter(|folder| folder.join("function.json").is_file())
        .collect()
}

/// Hands on to the terminal what cargo says, and keeps it.
async fn passed_on(words: Option<ChildStderr>) -> String {
    let mut kept = String::new();
    let Some(words) = words else { return kept };
    let mut lines = BufReader::new(words).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        eprintln!("{line}");
        kept.push_str(&line);
        kept.push('\n');
    }
    kept
}

/// From the first line that is an error to the blank one after it.
fn first_error(words: &str) -> String {
    let lines = words.lines();
    let lines = lines.skip_while(|line| !line.starts_with("error"));
    let lines: Vec<&str> = lines.take_while(|line| !line.is_empty()).collect();
    match lines.is_empty() {
        true => "cargo says nothing of why".to_owned(),
        false => lines.join("\n"),
    }
}

/// What an event of the file system says was saved.
fn saved(event: &Event) -> Vec<Saved> {
    if matches!(event.kind, EventKind::Access(_)) {
        return Vec::new();
    }
    event.paths.iter().filter_map(|path| kind(path)).collect()
}

fn kind(path: &Path) -> Option<Saved> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    if APP_FILES.contains(&&*name) {
        return Some(Saved::AppFile(name.into_owned()));
    }
    let is_source =
        name == "Cargo.lock" || ["rs", "toml", "css", "js", "svg"].contains(&&*extension);
    is_source.then_some(Saved::Source)
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
        let all = |path: &str| saved(&Event::new(EventKind::Any).add_path(path.into()));
        assert_eq!(all("src/main.rs"), [Saved::Source]);
        assert_eq!(all("src/.main.rs.swp"), []);
        assert_eq!(all("src/4913"), []);
        let kind = EventKind::Access(notify::event::AccessKind::Any);
        assert_eq!(saved(&Event::new(kind).add_path("src/main.rs".into())), []);
        let app_file = |name: &str| Saved::AppFile(name.to_owned());
        assert_eq!(all("host.json"), [app_file("host.json")]);
        assert_eq!(
            all("OrderItemsReserver/function.json"),
            [app_file("function.json")]
        );
        assert_eq!(all("package.json"), []);
    }

    #[test]
    fn the_first_error_is_whole_and_alone() {
        let words = "warning: unused\n\nerror[E0425]: no such value\n --> src/main.rs:1:13\n\nerror: could not compile\n";
        assert_eq!(
            first_error(words),
            "error[E0425]: no such value\n --> src/main.rs:1:13"
        );
        assert_eq!(first_error(""), "cargo says nothing of why");
    }
}
