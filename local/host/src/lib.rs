//! A Functions host stand-in for one custom handler with one Service Bus queue trigger.
//!
//! It starts the handler as the real host does, hands it every message of a queue in the real
//! host's words, judges the answers by the real host's rules, and restarts, kills or gives up as
//! that one does. The rules come from reading the host's source (azure-functions-host 4.x and the
//! Service Bus extension 5.17); it has not been compared with a running host.
//!
//! It differs where that is known and meant: a handler that does not listen costs no delivery
//! (there each try counts, and after 120 s the host gives up); a stop and a function time-out kill
//! at once; header names are in lower case; batches are refused.
//!
//! The way of a message, and beside it the handler's process:
//!
//! ```text
//! app           what is hosted: host.json, function.json, local.settings.json
//! dispatch      receives a message, keeps its lock, invokes, settles
//!  ├ limits        how many at a time, and how long
//!  ├ invocation    writes the request
//!  └ invoker       posts it and judges what comes back
//!     └ client        the host's HTTP
//! handler       may it be called now? starts its process and follows it to its end
//!  ├ process       what it is told, and the lines it writes
//!  └ restarts      what comes after its end
//! events        what is told of all this
//! ```

pub mod app;
mod client;
mod dispatch;
mod error;
mod events;
mod handler;
mod invocation;
mod invoker;
mod limits;
mod process;
mod restarts;

use std::sync::atomic::AtomicBool;

use bus::Queue;
use tokio::sync::broadcast;
use tokio::task::JoinSet;

use self::app::FunctionApp;
use self::client::HandlerClient;
use self::dispatch::Dispatch;
pub use self::error::HostError;
use self::events::Events;
pub use self::events::{Delivered, DeliveryOutcome, Event, InvocationFailure, Level};
use self::handler::Handler;
pub use self::handler::Killer;
pub use self::invocation::{Envelope, InvocationStamp, encode_invocation};
use self::invoker::Invoker;
use self::limits::Limits;
pub use self::restarts::{Exit, Next};

#[derive(Debug, Clone)]
pub struct HostOptions {
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
    /// # Errors [`HostError`] when the app's settings or this machine do not allow it. A handler
    /// that does not start is no error here but an event: [`Event::HostStopped`].
    pub fn start(
        options: HostOptions,
        queue: Queue,
    ) -> Result<(Self, broadcast::Receiver<Event>), HostError> {
        let HostOptions { app, handler_url } = options;
        let client = HandlerClient::new();
        let envelope = Envelope::for_app(&app)?;
        let limits = Limits::from_host_json(&app);
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

    /// Kills the handler (SIGKILL). It is started again and this does not count as an error, so a
    /// test may do it often. Nothing happens while it is starting.
    pub fn kill_handler(&self) {
        self.handler.kill_current();
    }

    /// Kills the handler, gives back what is in flight, and waits for both.
    ///
    /// The real host is softer: it waits for what is in flight, 10 s at most, before it kills. It
    /// tells the handler nothing either.
    pub async fn stop(mut self) {
        self.handler.stop();
        while self.tasks.join_next().await.is_some() {}
    }
}

/// A port for the handler, which is told its number and binds it, as under the real host.
///
/// It is free again when this returns, so that another process may take it before the handler does.
/// A handler that cannot bind it ends with an error and is started again on the same port, because
/// [`Host::handler_url`] is promised to stay; the third such end makes the host give up, and the
/// handler's own line says why. Should the other process speak HTTP, the host may take it for the
/// handler until the handler's end is seen: what is posted to it meanwhile fails and comes again.
fn free_port() -> std::io::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?
        .local_addr()?
        .port())
}
