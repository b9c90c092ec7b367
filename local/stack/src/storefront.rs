//! PetStore as a process beside the stack: started, started again when it dies, and ended with the stack.
//!
//! Its standard input is a pipe that it watches: when this process is killed, the system closes the pipe, and PetStore
//! ends too. Nothing is left behind that would hold its port.

mod keeper;
mod process;

use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use host::app::Settings;
use keeper::Keeper;
use stand_in::programs;

const PROGRAM: &str = "petstore";

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
