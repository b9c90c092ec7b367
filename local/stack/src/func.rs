//! Core Tools' `func start` as a process beside the stack: found on the `PATH`, started in the app's
//! folder, and ended with the stack, together with all that it has started.
//!
//! `func` of npm is a script that starts the real one, which starts the handler: three processes, of
//! which only the first is our child. They stay in one process group of their own, so that Ctrl+C in
//! the terminal reaches them through us alone, once, and so that none of them is left.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;
use std::{env, fs, io};

use host::app::{FunctionApp, Settings};
use stand_in::programs;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::timeout;

use crate::output::Output;

/// The host waits up to 10 s for what is in flight when it is told to end.
const END_MAX: Duration = Duration::from_secs(12);

/// What it has started may outlive it; a handler of ours leaves by itself.
const LEFT_OVER_MAX: Duration = Duration::from_secs(2);

/// The setting that says where the handler is, whatever host.json says.
const EXECUTABLE: &str = "AzureFunctionsJobHost__customHandler__description__defaultExecutablePath";

/// The storage of the host itself: its leases and keys.
pub const HOST_STORAGE: &str = "AzureWebJobsStorage";

/// What an environment could say against the settings, which it goes before.
const SETTINGS_OF_OTHERS: [&str; 6] = [
    "AzureFunctionsJobHost__customHandler__",
    "AzureWebJobsStorage",
    "FALLBACK_",
    "ORDERS_",
    "OrdersStorage",
    "ServiceBusConnection",
];

/// Runs what it is given as the leader of its process group, and beside it one who waits for our
/// word. At a line, the group is told to end as by Ctrl+C, and killed when the pipe closes: that is
/// when we have waited long enough. A pipe that closes without a line is a stack that was killed:
/// then the group has its ten seconds and no more.
#[cfg(unix)]
const KEEPER: &str = r#"
exec 3<&0
{
    read -r word <&3 || word=
    kill -s INT -- -$$
    if [ -n "$word" ]; then read -r word <&3; else sleep 11; fi
    kill -s KILL -- -$$
} >/dev/null 2>&1 &
exec "$@" 3<&- </dev/null
"#;

/// Why `func start` cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum FuncError {
    #[error(
        "no func on the PATH: `func start` is part of Azure Functions Core Tools 4. To get it: \
         `npm install --global azure-functions-core-tools@4`, or one of the ways of \
         https://learn.microsoft.com/azure/azure-functions/functions-run-local"
    )]
    Missing,
    #[error("cannot start {}: {source}", program.display())]
    Start { program: PathBuf, source: io::Error },
    /// Where host.json or its override points there is no program.
    #[error(
        "no handler at {}, where {} points: expected the function's program there; \
         build it with `cargo build`", path.display(), pointer
    )]
    NoHandler {
        path: PathBuf,
        /// The setting or the key.
        pointer: String,
    },
}

/// How to start it.
#[derive(Debug, Clone)]
pub struct FuncOptions {
    /// `func`, as [`find`] has found it.
    pub program: PathBuf,
    /// The folder of host.json.
    pub root: PathBuf,
    /// Its environment, which goes before local.settings.json.
    pub settings: Settings,
    /// Names of settings that an environment of ours must not have: local.settings.json says them.
    pub said: BTreeSet<String>,
    /// The port of its HTTP; `None` for its own choice (7071).
    pub port: Option<u16>,
}

/// The running `func start`. Dropping it ends it too, within some seconds.
#[derive(Debug)]
pub struct Func {
    child: Child,
    /// Open as long as it may run. Not the child's any more: to wait for a child closes its input.
    input: Option<ChildStdin>,
    output: Output,
}

/// What it says, or its end.
#[derive(Debug)]
pub enum FuncEvent {
    Line(String),
    Ended(io::Result<ExitStatus>),
}

/// `func` on the `PATH`.
///
/// # Errors
/// [`FuncError::Missing`], which says how to get it.
pub fn find() -> Result<PathBuf, FuncError> {
    on_path("func").ok_or(FuncError::Missing)
}

/// A program on the `PATH`. By npm, `func` is a script, which on Windows has another name; and only
/// by its whole name the system starts that one.
fn on_path(name: &str) -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "not a setting of the product")]
    let path = env::var_os("PATH").unwrap_or_default();
    let suffixes: &[&str] = match cfg!(windows) {
        true => &[".exe", ".cmd", ".bat"],
        false => &[""],
    };
    let folders = env::split_paths(&path);
    let all = folders.flat_map(|folder| {
        let named = move |suffix| folder.join(format!("{name}{suffix}"));
        suffixes.iter().map(named)
    });
    all.into_iter().find(|file| is_program(file))
}

#[cfg(unix)]
fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;

    fs::metadata(file).is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|it| it.is_file())
}

/// What the environment of a host has to say so that it starts the function's program as cargo has
/// built it: nothing where the app's own files lead to it.
///
/// # Errors
/// [`FuncError::NoHandler`] when there is none.
pub fn handler_setting(app: &FunctionApp) -> Result<Option<(String, String)>, FuncError> {
    let description = &app.host.custom_handler.description;
    let path = app.root.join(&description.default_executable_path);
    let is_bare = Path::new(&description.default_executable_path)
        .components()
        .count()
        == 1;
    if with_suffix(&path).is_file()
        || (is_bare && on_path(&description.default_executable_path).is_some())
    {
        return Ok(None);
    }
    // Cargo may build into another folder: this program is from there, too.
    let name = path.file_stem().map(OsStr::to_string_lossy);
    let built = programs::beside_this(&name.unwrap_or_default());
    if built.is_file() {
        return Ok(Some((EXECUTABLE.to_owned(), built.display().to_string())));
    }
    Err(FuncError::NoHandler {
        path,
        pointer: match app.settings.contains_key(EXECUTABLE) {
            true => format!("{EXECUTABLE} in local.settings.json"),
            false => "customHandler.description.defaultExecutablePath in host.json".to_owned(),
        },
    })
}

/// On Windows the file has a suffix that nobody writes.
fn with_suffix(path: &Path) -> PathBuf {
    if path.is_file() || env::consts::EXE_SUFFIX.is_empty() {
        return path.to_owned();
    }
    let mut file = OsString::from(path);
    file.push(env::consts::EXE_SUFFIX);
    file.into()
}

impl Func {
    /// Starts it. Call it in a tokio runtime.
    ///
    /// # Errors
    /// [`FuncError::Start`].
    pub fn start(options: &FuncOptions) -> Result<Self, FuncError> {
        let failed = |source| FuncError::Start {
            program: options.program.clone(),
            source,
        };
        let mut child = command(options).spawn().map_err(failed)?;
        let output = Output::of(&mut child);
        let input = child.stdin.take();
        Ok(Self {
            child,
            input,
            output,
        })
    }

    /// What it says next, or its end.
    pub async fn told(&mut self) -> FuncEvent {
        tokio::select! {
            // What it said before its end comes before it.
            biased;
            Some(line) = self.output.line() => FuncEvent::Line(line),
            ended = self.child.wait() => FuncEvent::Ended(ended),
        }
    }

    /// Tells it to end, as Ctrl+C does, and `say`s what it says meanwhile; after its own time limit
    /// it is killed, and with it all that it has started and left behind.
    pub async fn stop(mut self, mut say: impl FnMut(&str)) {
        if let Some(input) = &mut self.input {
            // For the keeper. An error means that nobody is left.
            input.write_all(b"end\n").await.ok();
        }
        let has_ended = matches!(self.child.try_wait(), Ok(Some(_)));
        let limit = if has_ended { LEFT_OVER_MAX } else { END_MAX };
        let ended = async {
            // The last who has its outputs is the last of its processes.
            while let Some(line) = self.output.line().await {
                say(&line);
            }
            self.child.wait().await
        };
        if timeout(limit, ended).await.is_err() {
            say(&format!(
                "it, or what it has started, did not end within {} s and is killed",
                limit.as_secs()
            ));
            kill_tree(&mut self.child).await;
        }
        drop(self.input.take());
        self.child.wait().await.ok();
    }
}

/// The one who waits for our word kills the group when the pipe closes.
#[cfg(unix)]
async fn kill_tree(_child: &mut Child) {}

#[cfg(not(unix))]
async fn kill_tree(child: &mut Child) {
    if let Some(id) = child.id() {
        let id = id.to_string();
        let mut kill = Command::new("taskkill");
        // What it cannot end has ended.
        kill.args(["/T", "/F", "/PID", &id]).output().await.ok();
    }
    child.kill().await.ok();
}

fn command(options: &FuncOptions) -> Command {
    let mut command = kept(&options.program);
    command.arg("start").current_dir(&options.root);
    if let Some(port) = options.port {
        command.args(["--port", &port.to_string()]);
    }
    programs::forget(&mut command, &SETTINGS_OF_OTHERS);
    for name in &options.said {
        command.env_remove(name);
    }
    command.envs(&options.settings);
    programs::attach(&mut command);
    // The keeper outlives who is killed: it has to end the others, too.
    command.kill_on_drop(false);
    command
}

#[cfg(unix)]
fn kept(program: &Path) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", KEEPER, "func"]).arg(program);
    command
}

#[cfg(not(unix))]
fn kept(program: &Path) -> Command {
    Command::new(program)
}
