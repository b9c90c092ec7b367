//! PetStore as a process beside the stack: started, started again when it dies, and ended with the
//! stack.
//!
//! Its standard input is a pipe that it watches: when this process is killed, the system closes the
//! pipe, and PetStore ends too. Nothing is left behind that would hold its port.

use std::io;
use std::path::PathBuf;
use std::task::{Context, Poll};
use std::time::Duration;

use host::app::Settings;
use serde_json::Value;
use stand_in::programs;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use url::Url;

use crate::output::Output;

const PROGRAM: &str = "petstore";

/// What an environment could say against the settings.
const SETTINGS_OF_OTHERS: [&str; 5] = [
    "ServiceBusConnection",
    "ORDERS_",
    "PETSTORE_",
    "PetStoreStorage",
    "WEBSITE_",
];

/// What its settings begin with, among those of the function app: an account that an identity opens
/// takes several.
const SETTINGS_IT_READS: [&str; 6] = [
    "OTEL_",
    "ServiceBusConnection",
    "ORDERS_QUEUE_NAME",
    "PetStoreStorage",
    "PETSTORE_",
    "RUST_LOG",
];

/// Between its end and the next start; doubled each time.
const PAUSE: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// After so long a life the pauses begin anew.
const HEALTHY: Duration = Duration::from_secs(60);

/// For requests under way, when it is told to end.
const LAST_REQUESTS: Duration = Duration::from_secs(5);

/// How to start it.
#[derive(Debug, Clone)]
pub struct StorefrontOptions {
    /// The settings of the function app: it publishes to the same queue.
    pub settings: Settings,
    /// The port; 0 for any free one.
    pub port: u16,
}

/// What happens to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StorefrontEvent {
    /// It serves shoppers.
    Listening(String),
    /// A line that it wrote.
    Line(String),
    /// It died, or was killed on purpose, and is started again after the pause.
    Ended { how: String, pause: Duration },
}

/// The running storefront. Dropping it kills it.
#[derive(Debug)]
pub struct Storefront {
    url: watch::Receiver<Option<String>>,
    told: mpsc::UnboundedReceiver<StorefrontEvent>,
    commands: mpsc::UnboundedSender<StorefrontCommand>,
    kills: watch::Sender<u64>,
    tasks: JoinSet<()>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StorefrontCommand {
    Restart,
    Stop,
}

/// What follows on a process.
#[derive(Debug)]
enum Then {
    /// It died like this.
    AfterDeath(String),
    AfterKill,
    Again,
    Never,
}

impl Storefront {
    /// The program; `None` when it is not built.
    #[must_use]
    pub fn program() -> Option<PathBuf> {
        Some(programs::beside_this(PROGRAM)).filter(|program| program.is_file())
    }

    /// Starts `program`, and again whenever it dies.
    ///
    /// Call it in a tokio runtime.
    #[must_use]
    pub fn start(program: PathBuf, options: StorefrontOptions) -> Self {
        let (teller, told) = mpsc::unbounded_channel();
        let (commands, wishes) = mpsc::unbounded_channel();
        let (known, url) = watch::channel(None);
        let (kills, killed) = watch::channel(0);
        let keeper = Keeper {
            program,
            options,
            teller,
            wishes,
            killed,
            known,
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(keeper.run());
        Self {
            url,
            told,
            commands,
            kills,
            tasks,
        }
    }

    /// Each change of it kills the process that runs then (SIGKILL); the next one is started soon.
    #[must_use]
    pub fn kills(&self) -> watch::Sender<u64> {
        self.kills.clone()
    }

    /// Its address, as soon as it serves; `None` when it does not within the limit.
    pub async fn url(&self, limit: Duration) -> Option<String> {
        let mut url = self.url.clone();
        let known = timeout(limit, url.wait_for(Option::is_some)).await;
        known.ok()?.ok()?.clone()
    }

    /// What happens next; never returns once it is stopped.
    pub async fn told(&mut self) -> StorefrontEvent {
        std::future::poll_fn(|context| self.poll_told(context)).await
    }

    /// The same for whoever listens to several.
    pub fn poll_told(&mut self, context: &mut Context<'_>) -> Poll<StorefrontEvent> {
        match self.told.poll_recv(context) {
            Poll::Ready(Some(told)) => Poll::Ready(told),
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }

    /// Ends it and starts it again: the program has changed.
    pub fn restart(&self) {
        // An error means that it is stopped.
        self.commands.send(StorefrontCommand::Restart).ok();
    }

    /// Ends it in order, or kills it when that takes too long.
    pub async fn stop(mut self) {
        self.commands.send(StorefrontCommand::Stop).ok();
        while self.tasks.join_next().await.is_some() {}
    }
}

/// Runs one process after another: when one dies, the next is started, with longer and longer
/// pauses.
#[derive(Debug)]
struct Keeper {
    program: PathBuf,
    options: StorefrontOptions,
    teller: mpsc::UnboundedSender<StorefrontEvent>,
    wishes: mpsc::UnboundedReceiver<StorefrontCommand>,
    killed: watch::Receiver<u64>,
    known: watch::Sender<Option<String>>,
}

impl Keeper {
    async fn run(mut self) {
        let mut pause = PAUSE;
        loop {
            let started = Instant::now();
            // A kill is meant for the process that runs, and not for the next one.
            self.killed.mark_unchanged();
            let then = match Process::start(&mut self.command()) {
                Ok(process) => self.attend(process).await,
                Err(error) => Then::AfterDeath(format!("cannot be started: {error}")),
            };
            let how = match then {
                Then::AfterDeath(how) => how,
                Then::AfterKill => {
                    // It is not its fault: pauses do not grow by it.
                    pause = PAUSE;
                    "was killed on purpose".to_owned()
                }
                Then::Again => continue,
                Then::Never => return,
            };
            if started.elapsed() >= HEALTHY {
                pause = PAUSE;
            }
            self.tell(StorefrontEvent::Ended { how, pause });
            tokio::select! {
                () = sleep(pause) => {}
                wish = self.wishes.recv() => if wish != Some(StorefrontCommand::Restart) { return; }
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Follows one process to its end.
    async fn attend(&mut self, mut process: Process) -> Then {
        loop {
            tokio::select! {
                line = process.line() => match line {
                    Some(line) => self.heard(line),
                    None => return Then::AfterDeath(process.end(LAST_REQUESTS).await),
                },
                wish = self.wishes.recv() => {
                    process.end(LAST_REQUESTS).await;
                    return match wish {
                        Some(StorefrontCommand::Restart) => Then::Again,
                        Some(StorefrontCommand::Stop) | None => Then::Never,
                    };
                }
                Ok(()) = self.killed.changed() => {
                    // An error means that it has ended already.
                    process.child.kill().await.ok();
                    return Then::AfterKill;
                }
            }
        }
    }

    fn heard(&mut self, line: String) {
        if let Some(url) = address(&line) {
            // Where the shoppers are: it stays the same over restarts.
            self.options.port = port(&url).unwrap_or(self.options.port);
            self.known.send_replace(Some(url.clone()));
            self.tell(StorefrontEvent::Listening(url));
        }
        self.tell(StorefrontEvent::Line(line));
    }

    fn tell(&self, told: StorefrontEvent) {
        // An error means that nobody listens.
        self.teller.send(told).ok();
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        programs::forget(&mut command, &SETTINGS_OF_OTHERS);
        let settings = self.options.settings.iter();
        command
            .arg("--attached")
            .envs(settings.filter(|(name, _)| is_read(name)))
            .env("PORT", self.options.port.to_string());
        programs::attach(&mut command);
        command
    }
}

fn is_read(name: &str) -> bool {
    SETTINGS_IT_READS
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

#[derive(Debug)]
struct Process {
    child: Child,
    lines: Output,
}

impl Process {
    fn start(command: &mut Command) -> io::Result<Self> {
        let mut child = command.spawn()?;
        let lines = Output::of(&mut child);
        Ok(Self { child, lines })
    }

    /// The next line it writes; `None` when it has closed its outputs, as it does in the end.
    async fn line(&mut self) -> Option<String> {
        self.lines.line().await
    }

    /// Asks for an orderly end: a word and the end of its input, as nobody says who is killed.
    /// Waits; kills it after the limit. How it ended.
    async fn end(mut self, limit: Duration) -> String {
        if let Some(mut input) = self.child.stdin.take() {
            // An error means that it has ended already.
            input.write_all(b"end\n").await.ok();
        }
        // It must not wait for somebody who reads its last lines.
        let ended = async {
            tokio::join!(self.child.wait(), async {
                while self.lines.line().await.is_some() {}
            })
            .0
        };
        let ended = timeout(limit, ended).await;
        match ended {
            Ok(Ok(status)) => status.code().map_or_else(
                || "was ended by a signal".to_owned(),
                |code| format!("exited with code {code}"),
            ),
            Ok(Err(error)) => error.to_string(),
            Err(_) => {
                // An error means that it has ended already.
                self.child.kill().await.ok();
                "did not end and was killed".to_owned()
            }
        }
    }
}

/// The address in the line that says that it serves.
fn address(line: &str) -> Option<String> {
    let line: Value = serde_json::from_str(line).ok()?;
    let listening = line.get("message")?.as_str()? == "listening";
    let url = line.get("url")?.as_str()?;
    listening.then(|| url.to_owned())
}

fn port(url: &str) -> Option<u16> {
    url.parse::<Url>().ok()?.port_or_known_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_in_the_line_that_says_listening() {
        let line =
            r#"{"level":"INFO","message":"listening","url":"http://127.0.0.1:8080","waiting":0}"#;
        let url = address(line).expect("an address");
        assert_eq!(
            (url.as_str(), port(&url)),
            ("http://127.0.0.1:8080", Some(8080))
        );
        assert_eq!(address(&line.replace("listening", "x")), None);
        assert_eq!(address("listening"), None);
    }
}
