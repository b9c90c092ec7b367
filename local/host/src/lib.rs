//! A Functions host stand-in for one custom handler with one Service Bus queue trigger.
//!
//! It starts the handler as the real host does, hands it every message of a queue in the real
//! host's words, judges the answers by the real host's rules, and restarts, kills or gives up as
//! that one does. Requests, answers, ends and stops were held against a running host: 4.1037 with the
//! Service Bus extension 5.17, whose requests are in `tests/captured`.
//!
//! Where it differs, and that is known and meant, `docs/local-host.md` says so and why.
//!
//! The way of a message, and beside it the handler's process:
//!
//! ```text
//! app           what is hosted: host.json, function.json, local.settings.json
//! dispatch      receives one message or a batch, keeps its lock, invokes, settles
//!  ├ limits        how many at a time, and how long
//!  ├ stopping      whether anything more is received
//!  ├ invocation    writes the request
//!  │  └ newtonsoft    JSON as the host reads and writes it
//!  ├ trace         the trace context beside it
//!  └ invoker       posts it
//!     ├ client        the host's HTTP
//!     └ answer        judges what comes back
//! handler       may it be called now? starts its process and follows it to its end
//!  ├ process       what it is told, and the lines it writes
//!  └ restarts      what comes after its end
//! events        what is told of all this
//! ```

mod answer;
pub mod app;
mod client;
mod dispatch;
mod error;
mod events;
mod handler;
mod invocation;
mod invoker;
mod limits;
mod newtonsoft;
mod process;
mod restarts;
mod stopping;
mod trace;

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

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
pub use self::invocation::{Envelope, InvocationStamp, encode_batch, encode_invocation};
use self::invoker::{Framing, Invoker};
use self::limits::{Limits, within};
pub use self::restarts::{Exit, Next};
use self::stopping::Stopping;

#[derive(Debug, Clone)]
pub struct HostOptions {
    pub app: FunctionApp,
    /// Where its handler runs already; `None` starts it, and restarts and kills it by the rules.
    pub handler_url: Option<String>,
    /// Hands the handler a trace context as if Application Insights was configured, which the app's
    /// settings can do too. Nothing is sent to anybody.
    pub traces: bool,
}

/// A running host. Dropping it kills the handler; [`Host::stop`] waits for it.
#[derive(Debug)]
pub struct Host {
    handler_url: String,
    handler: Handler,
    stopping: Stopping,
    events: Events,
    supervisor: JoinSet<()>,
    dispatch: JoinSet<()>,
}

/// How long a stop waits for what is in flight.
const STOP_GRACE: Duration = Duration::from_secs(10);

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
        Self::start_on(options, queue, None)
    }

    /// The same, with the handler on that port, where it is free.
    ///
    /// # Errors
    /// As [`Host::start`].
    pub fn start_on(
        options: HostOptions,
        queue: Queue,
        wanted: Option<u16>,
    ) -> Result<(Self, broadcast::Receiver<Event>), HostError> {
        let HostOptions {
            app,
            handler_url,
            traces,
        } = options;
        let traces = traces || app.has_application_insights();
        let framing = if app.is_under_core_tools() {
            Framing::Length
        } else {
            Framing::Chunked
        };
        let client = HandlerClient::new();
        let envelope = Envelope::for_app(&app)?;
        let limits = Limits::from_host_json(&app);
        let (function, cardinality) = (app.function.clone(), app.cardinality);
        let (events, first_events) = Events::new();
        let stopping = Stopping::new();
        let mut supervisor = JoinSet::new();
        let (handler, handler_url) = match handler_url {
            Some(url) => (Handler::elsewhere(), url),
            None => {
                let port = free_port(wanted.unwrap_or_default())?;
                let (handler, task) =
                    Handler::supervised(app, port, client.clone(), events.clone());
                supervisor.spawn(task.run());
                (handler, format!("http://127.0.0.1:{port}"))
            }
        };
        let invoker = Invoker::new(client, &handler_url, &function, framing)?;
        let task = Dispatch {
            queue,
            handler: handler.clone(),
            invoker,
            envelope,
            cardinality,
            limits,
            traces,
            events: events.clone(),
            stopping: stopping.clone(),
            told_not_listening: AtomicBool::new(false),
        };
        let mut dispatch = JoinSet::new();
        dispatch.spawn(task.run());
        let host = Self {
            handler_url,
            handler,
            stopping,
            events,
            supervisor,
            dispatch,
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

    /// The same for a program that was built anew.
    pub fn replace_handler(&self) {
        self.handler.replace_current();
    }

    /// Receives nothing more, waits up to 10 s for what is in flight, and kills the handler, which is
    /// told nothing.
    ///
    /// Meanwhile a success completes a batch, while a message that came alone is given back. What is
    /// still in flight then waits for its lock to end.
    pub async fn stop(mut self) {
        self.stopping.begin();
        let ended = within(Some(STOP_GRACE), end_of(&mut self.dispatch)).await;
        if ended.is_none() {
            let text = "the handler is not done within 10 s and is ended; the real host would leave \
                it running";
            self.events.note(Level::Warning, text);
        }
        self.handler.stop();
        end_of(&mut self.dispatch).await;
        end_of(&mut self.supervisor).await;
    }
}

async fn end_of(tasks: &mut JoinSet<()>) {
    while tasks.join_next().await.is_some() {}
}

/// A port for the handler, which is told its number and binds it, as under the real host.
///
/// It is free again when this returns, so that another process may take it before the handler does.
/// A handler that cannot bind it ends with an error and is started again on the same port, because
/// [`Host::handler_url`] is promised to stay; the third such end makes the host give up, and the
/// handler's own line says why. Should the other process speak HTTP, the host may take it for the
/// handler until the handler's end is seen: what is posted to it meanwhile fails and comes again.
fn free_port(wanted: u16) -> std::io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, wanted))
        .or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
    Ok(listener.local_addr()?.port())
}
