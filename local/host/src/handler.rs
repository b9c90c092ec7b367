//! The handler: may it be called now, and may it live; and the task that starts its process and
//! follows it to its end.

use std::time::Duration;

use hyper::Request;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};

use super::client::{Content, HandlerClient};
use super::events::{Event, Events};
use super::limits::within;
use super::process;
use super::process::Process;
use super::restarts::{Exit, Next, Restarts};
use crate::app::FunctionApp;

const READINESS_POLL: Duration = Duration::from_millis(25);

/// Counts the handler's processes, so that a late command to kill one does not hit its successor.
type Generation = u64;

/// Whether the handler can take invocations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HandlerState {
    /// Not now: it starts, or it stays down.
    Waiting,
    Ready(Generation),
    /// Never again: the host stops.
    Stopped,
}

/// What the supervisor is asked to do.
#[derive(Debug, Clone, Copy)]
enum HandlerCommand {
    /// Kill the process of that generation.
    Kill(Generation),
    /// Kill the process, and start none.
    Stop,
}

#[derive(Debug, Clone)]
pub(super) struct Handler {
    state: watch::Sender<HandlerState>,
    // None when the handler is not ours to start and kill.
    commands: Option<mpsc::UnboundedSender<HandlerCommand>>,
}

impl Handler {
    /// A handler that somebody else runs.
    pub(super) fn elsewhere() -> Self {
        Self {
            state: watch::Sender::new(HandlerState::Ready(0)),
            commands: None,
        }
    }

    /// A handler that [`Supervisor::run`] is going to start.
    pub(super) fn supervised(
        app: FunctionApp,
        port: u16,
        client: HandlerClient,
        events: Events,
    ) -> (Self, Supervisor) {
        let state = watch::Sender::new(HandlerState::Waiting);
        let (sender, commands) = mpsc::unbounded_channel();
        let handler = Self {
            state: state.clone(),
            commands: Some(sender),
        };
        let supervisor = Supervisor {
            app,
            port,
            client,
            events,
            state,
            commands,
            generation: 0,
        };
        (handler, supervisor)
    }

    /// Waits until it can take an invocation; never returns once the host stops.
    pub(super) async fn ready(&self) -> Generation {
        let mut state = self.state.subscribe();
        loop {
            if let HandlerState::Ready(generation) = *state.borrow_and_update() {
                return generation;
            }
            // The sender lives as long as `self`: there is no error to see.
            state.changed().await.ok();
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        matches!(*self.state.borrow(), HandlerState::Ready(_))
    }

    pub(super) async fn stopped(&self) {
        let mut state = self.state.subscribe();
        // The sender lives as long as `self`: there is no error to see.
        state
            .wait_for(|state| *state == HandlerState::Stopped)
            .await
            .ok();
    }

    /// Kills the process of that generation, if it still runs.
    pub(super) fn kill(&self, generation: Generation) {
        self.command(HandlerCommand::Kill(generation));
    }

    /// Kills the process that takes invocations now.
    pub(super) fn kill_current(&self) {
        if let HandlerState::Ready(generation) = *self.state.borrow() {
            self.kill(generation);
        }
    }

    /// Ends the process and everything that waits for it.
    pub(super) fn stop(&self) {
        if self.commands.is_some() {
            self.command(HandlerCommand::Stop);
        } else {
            self.state.send_replace(HandlerState::Stopped);
        }
    }

    fn command(&self, command: HandlerCommand) {
        if let Some(commands) = &self.commands {
            // An error means that the supervisor has ended, and the process with it.
            commands.send(command).ok();
        }
    }
}

/// Kills the handler from elsewhere.
#[derive(Debug, Clone)]
pub struct Killer(pub(super) Handler);

impl Killer {
    /// As [`super::Host::kill_handler`].
    pub fn kill(&self) {
        self.0.kill_current();
    }

    /// Whether the handler takes invocations now.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.0.is_ready()
    }
}

/// The task behind a [`Handler`].
#[derive(Debug)]
pub(super) struct Supervisor {
    app: FunctionApp,
    port: u16,
    client: HandlerClient,
    events: Events,
    state: watch::Sender<HandlerState>,
    commands: mpsc::UnboundedReceiver<HandlerCommand>,
    generation: Generation,
}

impl Supervisor {
    /// Runs until the host stops; then the process is gone and the state is
    /// [`HandlerState::Stopped`].
    pub(super) async fn run(mut self) {
        if let Some(why) = self.keep_running().await {
            self.events.emit(Event::HostStopped { why });
        }
        self.state.send_replace(HandlerState::Stopped);
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
                status = process.wait() => {
                    let code = status.ok().and_then(|status| status.code());
                    break Some(Exit::Code(code));
                }
                answered = &mut initialized, if !ready => {
                    if answered.is_none() {
                        break Some(Exit::NotInitialized);
                    }
                    ready = true;
                    self.state.send_replace(HandlerState::Ready(self.generation));
                    self.events.emit(Event::HandlerReady);
                }
                command = self.commands.recv() => match command {
                    Some(HandlerCommand::Kill(wanted)) if wanted == self.generation => {
                        break Some(Exit::Killed);
                    }
                    Some(HandlerCommand::Kill(_)) => {}
                    Some(HandlerCommand::Stop) | None => break None,
                },
            }
        };
        self.state.send_replace(HandlerState::Waiting);
        process.end().await;
        exit
    }

    async fn asked_to_stop(&mut self) {
        while let Some(HandlerCommand::Kill(_)) = self.commands.recv().await {}
    }

    fn not_started(&self, error: &std::io::Error) -> String {
        let path = &self
            .app
            .host
            .custom_handler
            .description
            .default_executable_path;
        let file = process::executable(&self.app.root, path);
        format!(
            "Failed to start Worker Channel. Process fileName: {}: {error}",
            file.display()
        )
    }
}

/// Polls the handler until it answers anything at all.
async fn answers(client: &HandlerClient, port: u16) {
    let url = format!("http://127.0.0.1:{port}/");
    while let Ok(request) = Request::get(&url).body(Content::default()) {
        match client.send(request).await {
            Err(error) if error.is_connect() => sleep(READINESS_POLL).await,
            _ => return,
        }
    }
}
