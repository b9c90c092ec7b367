//! PetStore as a process beside the stack: started, started again when it dies, and ended with the stack.
//!
//! Its standard input is a pipe that it watches: when this process is killed, the system closes the pipe, and PetStore
//! ends too. Nothing is left behind that would hold its port.

mod process;

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::app::Settings;
use crate::programs;
use process::Process;

const PROGRAM: &str = "petstore";

/// What an environment could say against the settings.
const SETTINGS_OF_OTHERS: [&str; 4] = ["ServiceBusConnection", "ORDERS_", "PETSTORE_", "WEBSITE_"];

/// Settings of the function app that the storefront reads too.
const SHARED: [&str; 3] = ["ServiceBusConnection", "ORDERS_QUEUE_NAME", "RUST_LOG"];

/// Between its end and the next start; doubled each time.
const PAUSE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

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
    /// Its outbox and its key.
    pub data: PathBuf,
}

/// What happens to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// It serves shoppers.
    Listening(String),
    /// A line that it wrote.
    Line(String),
    /// It died, and is started again after the pause.
    Ended {
        /// How.
        how: String,
        /// The pause.
        pause: Duration,
    },
}

/// The running storefront. Dropping it kills it.
#[derive(Debug)]
pub struct Storefront {
    url: watch::Receiver<Option<String>>,
    told: mpsc::UnboundedReceiver<Told>,
    commands: mpsc::UnboundedSender<Wish>,
    tasks: JoinSet<()>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Restart,
    Stop,
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
        let keeper = Keeper {
            program,
            options,
            teller,
            wishes,
            known,
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(keeper.run());
        Self {
            url,
            told,
            commands,
            tasks,
        }
    }

    /// Its address, as soon as it serves; `None` when it does not within the limit.
    pub async fn url(&self, limit: Duration) -> Option<String> {
        let mut url = self.url.clone();
        let known = timeout(limit, url.wait_for(Option::is_some)).await;
        known.ok()?.ok()?.clone()
    }

    /// What happens next; never returns once it is stopped.
    pub async fn told(&mut self) -> Told {
        match self.told.recv().await {
            Some(told) => told,
            None => std::future::pending().await,
        }
    }

    /// Ends it and starts it again: the program has changed.
    pub fn restart(&self) {
        // An error means that it is stopped.
        self.commands.send(Wish::Restart).ok();
    }

    /// Ends it in order, or kills it when that takes too long.
    pub async fn stop(mut self) {
        self.commands.send(Wish::Stop).ok();
        while self.tasks.join_next().await.is_some() {}
    }
}

/// Keeps the process running.
#[derive(Debug)]
struct Keeper {
    program: PathBuf,
    options: StorefrontOptions,
    teller: mpsc::UnboundedSender<Told>,
    wishes: mpsc::UnboundedReceiver<Wish>,
    known: watch::Sender<Option<String>>,
}

impl Keeper {
    async fn run(mut self) {
        let mut pause = PAUSE.0;
        loop {
            let started = Instant::now();
            let how = match Process::start(&mut self.command()) {
                Ok(process) => match self.attend(process).await {
                    Some(how) => how,
                    None => return,
                },
                Err(error) => Some(format!("cannot be started: {error}")),
            };
            let Some(how) = how else {
                continue;
            };
            if started.elapsed() >= HEALTHY {
                pause = PAUSE.0;
            }
            self.tell(Told::Ended { how, pause });
            tokio::select! {
                () = sleep(pause) => {}
                wish = self.wishes.recv() => if wish != Some(Wish::Restart) { return; }
            }
            pause = (pause * 2).min(PAUSE.1);
        }
    }

    /// Follows one process to its end: how it died, `Some(None)` when it is to be started again, `None` for never again.
    async fn attend(&mut self, mut process: Process) -> Option<Option<String>> {
        loop {
            tokio::select! {
                line = process.line() => match line {
                    Some(line) => self.heard(line),
                    None => return Some(Some(process.end(LAST_REQUESTS).await)),
                },
                wish = self.wishes.recv() => {
                    process.end(LAST_REQUESTS).await;
                    return (wish == Some(Wish::Restart)).then_some(None);
                }
            }
        }
    }

    fn heard(&mut self, line: String) {
        if let Some(url) = process::address(&line) {
            // Where the shoppers are: it stays the same over restarts.
            self.options.port = process::port(&url).unwrap_or(self.options.port);
            self.known.send_replace(Some(url.clone()));
            self.tell(Told::Listening(url));
        }
        self.tell(Told::Line(line));
    }

    fn tell(&self, told: Told) {
        // An error means that nobody listens.
        self.teller.send(told).ok();
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        programs::forget(&mut command, &SETTINGS_OF_OTHERS);
        let settings = self.options.settings.iter();
        command
            .arg("--attached")
            .envs(settings.filter(|(name, _)| SHARED.contains(&name.as_str())))
            .env("PORT", self.options.port.to_string())
            .env("PETSTORE_DATA", &self.options.data)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        // Ctrl+C in a terminal goes to the whole group: the stack alone ends it.
        #[cfg(unix)]
        command.process_group(0);
        command
    }
}
