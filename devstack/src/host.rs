//! A Functions host stand-in for one custom handler with one Service Bus queue trigger.
//!
//! It starts the handler as the real host does, hands it every message of a queue in the real host's words, judges
//! the answers by the real host's rules, and restarts, kills or gives up as that one does. The rules come from reading
//! the host's source (azure-functions-host 4.x and the Service Bus extension 5.17); it has not been compared with a
//! running host.

mod answer;
mod dispatch;
mod event;
mod handler;
mod invocation;
mod invoker;
mod limit;
mod process;
mod restarts;
mod sessions;
mod supervisor;

use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};

use tokio::sync::broadcast;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::app::{AppError, FunctionApp};
use crate::connection::{Connection, ConnectionError};
use crate::http_client;
use crate::queue::Queue;
use dispatch::{Dispatch, Limits};
use event::Events;
pub use event::{Delivered, Event, Exit, Failure, Level, Next, Outcome};
use handler::Handler;
pub use invocation::{Envelope, Stamp, encode_invocation};
use invoker::Invoker;

/// What to host.
#[derive(Debug, Clone)]
pub struct HostOptions {
    /// The function app.
    pub app: FunctionApp,
    /// Where its handler runs already; `None` starts it, and restarts and kills it by the rules.
    pub handler_url: Option<String>,
}

/// The host cannot start.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// A setting is missing.
    #[error(transparent)]
    App(#[from] AppError),
    /// The trigger's connection is unusable.
    #[error("local.settings.json: Values.{name}: {source}")]
    Connection {
        /// The setting.
        name: String,
        /// What is wrong.
        source: ConnectionError,
    },
    /// No free port on the loopback interface.
    #[error("no free port on 127.0.0.1: {0}")]
    Port(#[from] std::io::Error),
    /// The HTTP client cannot be built.
    #[error(transparent)]
    Client(#[from] reqwest::Error),
    /// The TLS library refuses its own defaults.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
}

/// A running host. Dropping it kills the handler; [`Host::stop`] waits for it.
#[derive(Debug)]
pub struct Host {
    handler_url: String,
    handler: Handler,
    events: Events,
    first_events: Mutex<Option<broadcast::Receiver<Event>>>,
    tasks: JoinSet<()>,
}

impl Host {
    /// Starts the handler, and deliveries from `queue` as soon as it answers.
    ///
    /// Call it in a tokio runtime.
    ///
    /// # Errors
    /// [`HostError`] when the app's settings or this machine do not allow it. A handler that does not start is no
    /// error here but an event: [`Event::HostStopped`].
    pub fn start(options: HostOptions, queue: Queue) -> Result<Self, HostError> {
        let HostOptions { app, handler_url } = options;
        let client = http_client::builder()?.build()?;
        let envelope = envelope(&app)?;
        let limits = limits(&app);
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
        let invoker = Invoker::new(client, &handler_url, &function);
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
        Ok(Self {
            handler_url,
            handler,
            events,
            first_events: Mutex::new(Some(first_events)),
            tasks,
        })
    }

    /// Where the handler listens: `http://127.0.0.1:port`. It stays the same over restarts.
    #[must_use]
    pub fn handler_url(&self) -> &str {
        &self.handler_url
    }

    /// What happens. The first caller gets every event since the start, a later one those from then on.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        let first = self
            .first_events
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        first.unwrap_or_else(|| self.events.subscribe())
    }

    /// What happens from now on; it leaves the events since the start to the first caller of [`Host::events`].
    pub fn later_events(&self) -> broadcast::Receiver<Event> {
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
    pub async fn stop(mut self) {
        self.handler.stop();
        while self.tasks.join_next().await.is_some() {}
    }
}

/// Kills the handler from elsewhere.
#[derive(Debug, Clone)]
pub struct Killer(Handler);

impl Killer {
    /// As [`Host::kill_handler`].
    pub fn kill(&self) {
        self.0.kill_current();
    }

    /// Whether the handler takes invocations now.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.0.is_ready()
    }
}

fn envelope(app: &FunctionApp) -> Result<Envelope, HostError> {
    let text = app.setting(&app.connection, "the trigger's connection names it")?;
    let connection = Connection::parse(text).map_err(|source| HostError::Connection {
        name: app.connection.clone(),
        source,
    })?;
    Ok(Envelope {
        function: app.function.clone(),
        binding: app.binding.clone(),
        data_type: app.data_type,
        namespace: connection.host,
        client_id: Uuid::new_v4(),
        session_locked_until: None,
    })
}

fn limits(app: &FunctionApp) -> Limits {
    let service_bus = app.host.service_bus();
    Limits {
        concurrent_calls: service_bus.max_concurrent_calls,
        concurrent_sessions: service_bus.max_concurrent_sessions,
        session_idle: service_bus.session_idle_timeout.limit(),
        function_timeout: app.host.function_timeout.limit(),
        lock_renewal: service_bus.max_auto_lock_renewal_duration.limit(),
    }
}

/// The port is free again when this returns; the handler is told to take it, as under the real host.
fn free_port() -> std::io::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?
        .local_addr()?
        .port())
}
