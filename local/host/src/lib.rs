//! A Functions host stand-in for one custom handler with one Service Bus queue trigger.
//!
//! It starts the handler as the real host does, hands it every message of a queue in the real host's words, judges
//! the answers by the real host's rules, and restarts, kills or gives up as that one does. The rules come from reading
//! the host's source (azure-functions-host 4.x and the Service Bus extension 5.17); it has not been compared with a
//! running host.
//!
//! It differs where that is known and meant: a handler that does not listen costs no delivery (there each try counts,
//! and after 120 s the host gives up); a stop and a function time-out kill at once; header names are in lower case;
//! batches are refused.
//!
//! The way of a message, and beside it the handler's process:
//!
//! ```text
//! dispatch, or sessions   receives it             handler      may it be called now?
//!  └ renewal              keeps its lock           └ supervisor   starts the process and follows it to its end
//!  └ invocation           writes the request          └ process     what it is told, and the lines it writes
//!  └ invoker              posts it                    └ restarts    what comes after its end
//!     └ answer            judges what comes back
//!  └ settlement           completes or gives it back
//! ```

mod answer;
pub mod app;
mod client;
mod delivered;
mod dispatch;
mod error;
mod event;
mod handler;
mod invocation;
mod invoker;
mod limits;
mod process;
mod renewal;
mod restarts;
mod sessions;
mod settlement;
mod supervisor;

use std::sync::atomic::AtomicBool;

use tokio::sync::broadcast;
use tokio::task::JoinSet;

use crate::app::FunctionApp;
use bus::Queue;
use client::Client;
pub use delivered::{Delivered, Failure, Outcome};
use dispatch::Dispatch;
pub use error::HostError;
use event::Events;
pub use event::{Event, Level};
use handler::Handler;
pub use handler::Killer;
pub use invocation::{Envelope, Stamp, encode_invocation};
use invoker::Invoker;
use limits::Limits;
pub use restarts::{Exit, Next};

/// What to host.
#[derive(Debug, Clone)]
pub struct HostOptions {
    /// The function app.
    pub app: FunctionApp,
    /// Where its handler runs already; `None` starts it, and restarts and kills it by the rules.
    pub handler_url: Option<String>,
}

/// A running host. Dropping it kills the handler; [`Host::stop`] waits for it.
#[derive(Debug)]
pub struct Host {
    handler_url: String,
    handler: Handler,
    events: Events,
    tasks: JoinSet<()>,
}

impl Host {
    /// Starts the handler, and deliveries from `queue` as soon as it answers.
    ///
    /// Beside the host it returns every event from the first one on. Call it in a tokio runtime.
    ///
    /// # Errors
    /// [`HostError`] when the app's settings or this machine do not allow it. A handler that does not start is no
    /// error here but an event: [`Event::HostStopped`].
    pub fn start(
        options: HostOptions,
        queue: Queue,
    ) -> Result<(Self, broadcast::Receiver<Event>), HostError> {
        let HostOptions { app, handler_url } = options;
        let client = Client::new();
        let envelope = Envelope::of(&app)?;
        let limits = Limits::of(&app);
        let function = app.function.clone();
        let (events, first_events) = Events::new();
        let mut tasks = JoinSet::new();
        let (handler, handler_url) = match handler_url {
            Some(url) => (Handler::elsewhere(), url),
            None => {
                let port = free_port()?;
                let (handler, supervisor) =
                    Handler::supervised(app, port, client.clone(), events.clone());
                tasks.spawn(supervisor.run());
                (handler, format!("http://127.0.0.1:{port}"))
            }
        };
        let invoker = Invoker::new(client, &handler_url, &function)?;
        let dispatch = Dispatch {
            queue,
            handler: handler.clone(),
            invoker,
            envelope,
            limits,
            events: events.clone(),
            told_not_listening: AtomicBool::new(false),
        };
        tasks.spawn(dispatch.run());
        let host = Self {
            handler_url,
            handler,
            events,
            tasks,
        };
        Ok((host, first_events))
    }

    /// Where the handler listens: `http://127.0.0.1:port`. It stays the same over restarts.
    #[must_use]
    pub fn handler_url(&self) -> &str {
        &self.handler_url
    }

    /// What happens from now on; [`Host::start`] returns what happens from the start on.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// For those who kill the handler and do not own the host.
    #[must_use]
    pub fn killer(&self) -> Killer {
        Killer(self.handler.clone())
    }

    /// Waits until the handler takes invocations; never returns when the host has given up.
    pub async fn ready(&self) {
        self.handler.ready().await;
    }

    /// Kills the handler (SIGKILL). It is started again and this does not count as an error, so a test may do it often.
    /// Nothing happens while it is starting.
    pub fn kill_handler(&self) {
        self.handler.kill_current();
    }

    /// Kills the handler, gives back what is in flight, and waits for both.
    ///
    /// The real host is softer: it waits for what is in flight, 10 s at most, before it kills. It tells the handler
    /// nothing either.
    pub async fn stop(mut self) {
        self.handler.stop();
        while self.tasks.join_next().await.is_some() {}
    }
}

/// The port is free again when this returns; the handler is told to take it, as under the real host.
fn free_port() -> std::io::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?
        .local_addr()?
        .port())
}
