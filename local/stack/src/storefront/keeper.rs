//! Keeps the process running: starts it again when it dies, with longer and longer pauses.

use std::path::PathBuf;
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};

use super::process::{Process, address, port};
use super::{StorefrontOptions, Told, Wish};
use stand_in::programs;

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

/// One process after another.
#[derive(Debug)]
pub(super) struct Keeper {
    pub(super) program: PathBuf,
    pub(super) options: StorefrontOptions,
    pub(super) teller: mpsc::UnboundedSender<Told>,
    pub(super) wishes: mpsc::UnboundedReceiver<Wish>,
    pub(super) known: watch::Sender<Option<String>>,
}

impl Keeper {
    pub(super) async fn run(mut self) {
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
        if let Some(url) = address(&line) {
            // Where the shoppers are: it stays the same over restarts.
            self.options.port = port(&url).unwrap_or(self.options.port);
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
            .env("PETSTORE_DATA", &self.options.data);
        programs::attach(&mut command);
        command
    }
}
