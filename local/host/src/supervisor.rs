//! Keeps the handler's process running, by the host's rules.

use std::time::Duration;

use hyper::Request;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};

use super::client::{Client, Content};
use super::event::{Event, Events};
use super::handler::{Command, Generation, State};
use super::limits::within;
use super::process::{self, Process};
use super::restarts::{Exit, Next, Restarts};
use crate::app::FunctionApp;

const READINESS_POLL: Duration = Duration::from_millis(25);

/// The task behind a [`super::handler::Handler`].
#[derive(Debug)]
pub(super) struct Supervisor {
    app: FunctionApp,
    port: u16,
    client: Client,
    events: Events,
    state: watch::Sender<State>,
    commands: mpsc::UnboundedReceiver<Command>,
    generation: Generation,
}

impl Supervisor {
    /// Tells `state` what becomes of the handler, and takes `commands` about it.
    pub(super) fn new(
        app: FunctionApp,
        port: u16,
        client: Client,
        events: Events,
        state: watch::Sender<State>,
        commands: mpsc::UnboundedReceiver<Command>,
    ) -> Self {
        Self {
            app,
            port,
            client,
            events,
            state,
            commands,
            generation: 0,
        }
    }

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
        format!(
            "Failed to start Worker Channel. Process fileName: {}: {error}",
            file.display()
        )
    }
}

/// Polls the handler until it answers anything at all.
async fn answers(client: &Client, port: u16) {
    let url = format!("http://127.0.0.1:{port}/");
    while let Ok(request) = Request::get(&url).body(Content::default()) {
        match client.send(request).await {
            Err(error) if error.is_connect() => sleep(READINESS_POLL).await,
            _ => return,
        }
    }
}
