//! The handler as the rest of the host sees it, and the task that keeps its process alive.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};

use super::event::{Event, Events, Exit, Level, Next};
use super::limit::within;
use super::process::{self, Process};
use super::restarts::Restarts;
use crate::app::FunctionApp;

const READINESS_POLL: Duration = Duration::from_millis(25);

/// Counts the handler's processes, so that a late wish to kill one does not hit its successor.
pub(super) type Generation = u64;

/// Whether the handler can take invocations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Not now: it starts, or it stays down.
    Waiting,
    /// Yes.
    Ready(Generation),
    /// Never again: the host stops.
    Stopped,
}

enum Command {
    Kill(Generation),
    Stop,
}

/// A handle on the handler.
#[derive(Debug, Clone)]
pub(super) struct Handler {
    state: watch::Sender<State>,
    // None when the handler is not ours to start and kill.
    commands: Option<mpsc::UnboundedSender<Command>>,
}

impl Handler {
    /// A handler that somebody else runs.
    pub(super) fn elsewhere() -> Self {
        Self {
            state: watch::Sender::new(State::Ready(0)),
            commands: None,
        }
    }

    /// A handler that [`Supervisor::run`] is going to start.
    pub(super) fn supervised(
        app: FunctionApp,
        port: u16,
        client: reqwest::Client,
        events: Events,
    ) -> (Self, Supervisor) {
        let state = watch::Sender::new(State::Waiting);
        let (sender, commands) = mpsc::unbounded_channel();
        let handler = Self {
            state: state.clone(),
            commands: Some(sender),
        };
        (
            handler,
            Supervisor {
                app,
                port,
                client,
                events,
                state,
                commands,
                generation: 0,
            },
        )
    }

    /// Waits until it can take an invocation; never returns once the host stops.
    pub(super) async fn ready(&self) -> Generation {
        let mut state = self.state.subscribe();
        loop {
            if let State::Ready(generation) = *state.borrow_and_update() {
                return generation;
            }
            // The sender lives as long as `self`: there is no error to see.
            drop(state.changed().await);
        }
    }

    /// Waits until the host stops.
    pub(super) async fn stopped(&self) {
        // The sender lives as long as `self`: there is no error to see.
        drop(
            self.state
                .subscribe()
                .wait_for(|state| *state == State::Stopped)
                .await,
        );
    }

    /// Kills the process of that generation, if it still runs.
    pub(super) fn kill(&self, generation: Generation) {
        self.command(Command::Kill(generation));
    }

    /// Kills the process that takes invocations now.
    pub(super) fn kill_current(&self) {
        if let State::Ready(generation) = *self.state.borrow() {
            self.kill(generation);
        }
    }

    /// Ends the process and everything that waits for it.
    pub(super) fn stop(&self) {
        match self.commands {
            Some(_) => self.command(Command::Stop),
            None => drop(self.state.send_replace(State::Stopped)),
        }
    }

    fn command(&self, command: Command) {
        if let Some(commands) = &self.commands {
            // An error means that the supervisor has ended, and the process with it.
            drop(commands.send(command));
        }
    }
}

/// Keeps one handler process running, by the host's rules.
#[derive(Debug)]
pub(super) struct Supervisor {
    app: FunctionApp,
    port: u16,
    client: reqwest::Client,
    events: Events,
    state: watch::Sender<State>,
    commands: mpsc::UnboundedReceiver<Command>,
    generation: Generation,
}

impl Supervisor {
    /// Runs until the host stops; then the process is gone and the state is [`State::Stopped`].
    pub(super) async fn run(mut self) {
        if let Some(why) = self.keep_running().await {
            self.events.emit(Event::HostStopped { why });
        }
        self.state.send_replace(State::Stopped);
    }

    /// Returns why the host gives up; nothing when it was asked to stop.
    async fn keep_running(&mut self) -> Option<String> {
        let mut restarts = Restarts::default();
        loop {
            let exit = match Process::start(&self.app, self.port, &self.events) {
                Ok(process) => self.attend(process).await?,
                Err(error) => return Some(self.not_started(&error)),
            };
            let next = restarts.after(exit, Instant::now());
            self.events.emit(Event::HandlerExited { exit, next });
            match next {
                Next::Restart => {}
                Next::StayDown => {
                    self.asked_to_stop().await;
                    return None;
                }
                Next::StopHost => {
                    return Some(
                        "exceeded the handler's restart count: 3 errors within 30 min".to_owned(),
                    );
                }
            }
        }
    }

    /// Follows one process to its end; nothing when the host is asked to stop.
    async fn attend(&mut self, mut process: Process) -> Option<Exit> {
        self.generation += 1;
        self.events
            .emit(Event::HandlerStarted { pid: process.id() });
        let patience = self.app.host.custom_handler.initialization_timeout.limit();
        let initialized = within(patience, answers(&self.client, self.port));
        tokio::pin!(initialized);
        let mut ready = false;
        let exit = loop {
            tokio::select! {
                status = process.wait() => break Some(Exit::Code(status.ok().and_then(|status| status.code()))),
                answered = &mut initialized, if !ready => {
                    if answered.is_none() {
                        break Some(Exit::NotInitialized);
                    }
                    ready = true;
                    self.state.send_replace(State::Ready(self.generation));
                    self.events.emit(Event::HandlerReady);
                }
                command = self.commands.recv() => match command {
                    Some(Command::Kill(generation)) if generation == self.generation => break Some(Exit::Killed),
                    Some(Command::Kill(_)) => {}
                    Some(Command::Stop) | None => break None,
                },
            }
        };
        self.state.send_replace(State::Waiting);
        process.end().await;
        exit
    }

    async fn asked_to_stop(&mut self) {
        while let Some(Command::Kill(_)) = self.commands.recv().await {}
    }

    fn not_started(&self, error: &std::io::Error) -> String {
        let path = &self
            .app
            .host
            .custom_handler
            .description
            .default_executable_path;
        let file = process::executable(&self.app.root, path);
        let why = format!(
            "Failed to start Worker Channel. Process fileName: {}: {error}",
            file.display()
        );
        self.events.note(Level::Error, &why);
        why
    }
}

/// Polls the handler until it answers anything at all.
async fn answers(client: &reqwest::Client, port: u16) {
    let url = format!("http://127.0.0.1:{port}/");
    while client
        .get(&url)
        .send()
        .await
        .is_err_and(|error| error.is_connect())
    {
        sleep(READINESS_POLL).await;
    }
}
