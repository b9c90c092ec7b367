//! The handler as the rest of the host sees it: may it be called now, and may it live.

use tokio::sync::{mpsc, watch};

use super::client::Client;
use super::event::Events;
use super::supervisor::Supervisor;
use crate::app::FunctionApp;

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

/// A wish to the supervisor.
#[derive(Debug, Clone, Copy)]
pub(super) enum Command {
    /// Kill the process of that generation.
    Kill(Generation),
    /// Kill the process, and start none.
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
        client: Client,
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
            Supervisor::new(app, port, client, events, state, commands),
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
            state.changed().await.ok();
        }
    }

    /// Whether it can take an invocation now.
    pub(super) fn is_ready(&self) -> bool {
        matches!(*self.state.borrow(), State::Ready(_))
    }

    /// Waits until the host stops.
    pub(super) async fn stopped(&self) {
        let mut state = self.state.subscribe();
        // The sender lives as long as `self`: there is no error to see.
        state.wait_for(|state| *state == State::Stopped).await.ok();
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
        if self.commands.is_some() {
            self.command(Command::Stop);
        } else {
            self.state.send_replace(State::Stopped);
        }
    }

    fn command(&self, command: Command) {
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
