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

/// How long a broken connection is held before the message is given back: the end of the process,
/// which may have broken it, is seen within.
const END_IS_SEEN: Duration = Duration::from_millis(80);

/// Counts the handler's processes, so that a late command to kill one does not hit its successor.
type Generation = u64;

/// Whether the handler can take invocations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HandlerState {
    /// Not yet: invocations wait.
    Starting,
    Ready(Generation),
    /// Its process has ended, and what follows is not decided.
    Over,
    /// It stays down, and the host calls it all the same.
    Down(Generation),
    /// Never again.
    Ended(Ended),
}

/// Why the host has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// It was asked to stop.
    Stopped,
    /// Its handler has failed too often, or cannot be started.
    GaveUp,
}

/// What the supervisor is asked to do.
#[derive(Debug, Clone, Copy)]
enum HandlerCommand {
    /// Kill the process of that generation.
    Kill(Generation),
    /// Kill it for a newer program.
    Replace(Generation),
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
        let state = watch::Sender::new(HandlerState::Starting);
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

    /// Waits until it can take an invocation; never returns once the host has ended.
    pub(super) async fn ready(&self) {
        self.once(|state| matches!(state, HandlerState::Ready(_)).then_some(()))
            .await;
    }

    /// Waits until the host calls it, which it also does in vain: when it stays down.
    pub(super) async fn callable(&self) -> Generation {
        self.once(|state| match state {
            HandlerState::Ready(generation) | HandlerState::Down(generation) => Some(generation),
            _ => None,
        })
        .await
    }

    pub(super) fn is_ready(&self) -> bool {
        matches!(*self.state.borrow(), HandlerState::Ready(_))
    }

    /// Whether somebody else runs it.
    pub(super) fn is_elsewhere(&self) -> bool {
        self.commands.is_none()
    }

    /// Waits until the host has ended.
    pub(super) async fn ended(&self) -> Ended {
        self.once(ended).await
    }

    /// Whether the host has ended with the process of that generation, whose connection broke.
    pub(super) async fn ended_with(&self, generation: Generation) -> Option<Ended> {
        let gone = |state| (state != HandlerState::Ready(generation)).then_some(());
        if within(Some(END_IS_SEEN), self.once(gone)).await.is_none() {
            // A thread that was held up finds both at once: the end of the process goes first.
            tokio::task::yield_now().await;
        }
        if *self.state.borrow() == HandlerState::Ready(generation) {
            return None;
        }
        let decided = |state| (state != HandlerState::Over).then_some(state);
        ended(self.once(decided).await)
    }

    /// Waits for a state in which there is such an answer.
    async fn once<T>(&self, answer: impl Fn(HandlerState) -> Option<T>) -> T {
        let mut state = self.state.subscribe();
        loop {
            if let Some(answer) = answer(*state.borrow_and_update()) {
                return answer;
            }
            // The sender lives as long as `self`: there is no error to see.
            state.changed().await.ok();
        }
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

    /// The same, for a newer program.
    pub(super) fn replace_current(&self) {
        if let HandlerState::Ready(generation) = *self.state.borrow() {
            self.command(HandlerCommand::Replace(generation));
        }
    }

    /// Ends the process and everything that waits for it.
    pub(super) fn stop(&self) {
        if self.commands.is_some() {
            self.command(HandlerCommand::Stop);
        } else {
            self.state.send_replace(HandlerState::Ended(Ended::Stopped));
        }
    }

    fn command(&self, command: HandlerCommand) {
        if let Some(commands) = &self.commands {
            // An error means that the supervisor has ended, and the process with it.
            commands.send(command).ok();
        }
    }
}

fn ended(state: HandlerState) -> Option<Ended> {
    match state {
        HandlerState::Ended(ended) => Some(ended),
        _ => None,
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
    /// Runs until the host ends; then the process is gone and the state is
    /// [`HandlerState::Ended`].
    pub(super) async fn run(mut self) {
        let ended = match self.keep_running().await {
            Some(why) => {
                self.events.emit(Event::HostStopped { why });
                Ended::GaveUp
            }
            None => Ended::Stopped,
        };
        self.state.send_replace(HandlerState::Ended(ended));
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
                Next::Restart => {
                    self.state.send_replace(HandlerState::Starting);
                }
                Next::StayDown => {
                    self.state.send_replace(HandlerState::Down(self.generation));
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
                    Some(HandlerCommand::Replace(wanted)) if wanted == self.generation => {
                        break Some(Exit::Replaced);
                    }
                    Some(HandlerCommand::Kill(_) | HandlerCommand::Replace(_)) => {}
                    Some(HandlerCommand::Stop) | None => break None,
                },
            }
        };
        self.state.send_replace(HandlerState::Over);
        process.end().await;
        exit
    }

    async fn asked_to_stop(&mut self) {
        while let Some(HandlerCommand::Kill(_) | HandlerCommand::Replace(_)) =
            self.commands.recv().await
        {}
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
            "Failed to start Worker Channel. Process fileName: {}: {error} \
             (the real host would go on without it for 134 s)",
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
