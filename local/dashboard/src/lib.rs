//! The dashboard: a page that shows the stack at work, and breaks it on demand.
//!
//! `pump` listens to the parts and tells the [`model`], which joins what they say per message; the
//! page takes a snapshot and then changes, at most ten a second. Everything it shows may come from
//! strangers: the page writes data as text only, and its policy lets nothing run but its script.
//! `guard` lets nobody in but the page itself and programs on this machine.

mod api;
mod assets;
mod blobs;
mod events;
mod faults;
mod guard;
mod handler;
mod mails;
mod messages;
mod model;
pub mod operator;
mod pump;
mod redrive;
mod snapshot;
mod text;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::TcpListener;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinSet;

use blob::BlobHandle;
use bus::Queue;
use events::Tick;
use faults::Faults;
use host::app::Settings;
use host::{Event, Killer};
use logic_app::LogicAppHandle;
use logic_app::mail::OutboxReader;
use model::Model;
use stand_in::Server;

/// Ticks that a page may lag behind before it has to take a new snapshot.
const TICKS_KEPT: usize = 64;

/// What the dashboard shows.
#[derive(Debug)]
pub struct DashboardOptions {
    /// The queue.
    pub queue: Queue,
    /// What the host tells, from now on.
    pub events: broadcast::Receiver<Event>,
    /// Kills the handler.
    pub killer: Killer,
    /// The blob endpoint, when it is ours.
    pub blob: Option<BlobHandle>,
    /// The Logic App, when it is ours.
    pub logic_app: Option<LogicAppHandle>,
    /// The outbox, when there is one.
    pub outbox: Option<OutboxReader>,
    /// Names and addresses of the other parts.
    pub links: Vec<(String, String)>,
    /// The handler's settings: the operator's tool gets the same.
    pub settings: Settings,
}

/// The running dashboard. Dropping it stops it too, without waiting for the end.
#[derive(Debug)]
pub struct Dashboard {
    server: Server,
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
}

#[derive(Debug)]
struct Shared {
    /// Tells this run from another.
    run: String,
    queue: Queue,
    killer: Killer,
    blob: Option<BlobHandle>,
    logic_app: Option<LogicAppHandle>,
    outbox: Option<OutboxReader>,
    links: Mutex<Vec<(String, String)>>,
    settings: Settings,
    faults: Mutex<Faults>,
    model: Mutex<Model>,
    ticks: broadcast::Sender<Arc<Tick>>,
    /// Counts the handler's ends.
    exits: watch::Sender<u64>,
    /// Whether the handler is killed at the next upload; counts the wishes, so that the last one
    /// holds.
    armed: watch::Sender<Option<u64>>,
}

impl Shared {
    fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn links(&self) -> MutexGuard<'_, Vec<(String, String)>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Dashboard {
    /// Serves on `listener`.
    ///
    /// # Errors
    /// When the listener does not tell its address.
    pub fn start(listener: TcpListener, options: DashboardOptions) -> io::Result<Self> {
        let DashboardOptions {
            queue,
            events,
            killer,
            blob,
            logic_app,
            outbox,
            links,
            settings,
        } = options;
        let shared = Arc::new(Shared {
            run: uuid::Uuid::new_v4().simple().to_string(),
            queue,
            killer,
            blob,
            logic_app,
            outbox,
            links: Mutex::new(links),
            settings,
            faults: Mutex::default(),
            model: Mutex::default(),
            ticks: broadcast::Sender::new(TICKS_KEPT),
            exits: watch::Sender::new(0),
            armed: watch::Sender::new(None),
        });
        let mut tasks = JoinSet::new();
        // Before the first request: nothing of what happens from now on is missed.
        tasks.spawn(pump::Sources::subscribe(&shared, events).run(Arc::clone(&shared)));
        tasks.spawn(handler::kill_during_uploads(Arc::clone(&shared)));
        let server = Server::start(listener, api::router(Arc::clone(&shared)))?;
        Ok(Self {
            server,
            shared,
            tasks,
        })
    }

    /// The page's address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// Shows one more address before the others: of a part that is started later.
    pub fn add_link(&self, name: &str, url: &str) {
        let link = (name.to_owned(), url.to_owned());
        self.shared.links().insert(0, link);
    }

    /// Closes the listener and every connection.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
        self.server.stop().await;
    }
}
