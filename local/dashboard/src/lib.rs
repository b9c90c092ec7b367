//! The dashboard: a page that shows the stack at work, and breaks it on demand.
//!
//! Anyone may have written what it shows: the page writes data as text only, and its policy
//! lets nothing run but its script.
//!
//! ```text
//! pump           listens to the parts
//!  ├ model          joins what they say per message
//!  ├ snapshot       what a page gets: all of it, or what changed
//!  └ events         sends the pages what changed, at most ten times a second
//! routes         which address leads where
//!  ├ guard          lets in the page itself and programs on this machine, nobody else
//!  ├ assets         the page's files
//!  ├ pages          lists of messages, dead letters, mails and blobs, page by page
//!  ├ messages       one message: opened, sent, sent anew; `operator` redrives dead letters
//!  ├ blobs, mails   one blob, one mail
//!  ├ queue, log     pauses the queue, ends a wait; the handler's lines
//!  ├ receivers      who holds which lock since when; ends locks, cuts connections
//!  └ faults, handler, shops  break the parts, the handler, and processes of the storefront
//! ```

mod assets;
mod blobs;
mod build;
mod events;
mod faults;
mod guard;
mod handler;
mod log;
mod mails;
mod messages;
mod model;
pub mod operator;
mod pages;
mod pump;
mod queue;
mod receivers;
mod request;
mod routes;
mod shops;
mod snapshot;
mod state;
mod text;

use std::io;
use std::sync::{Arc, Mutex};

use blob::BlobHandle;
use bus::{Queue, SenderFaults};
use host::app::Settings;
use host::{Event, Killer, Level};
use logic_app::LogicAppHandle;
use logic_app::mail::OutboxReader;
use stand_in::Server;
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinSet;

pub use self::build::BuildState;
use self::pump::PartsToHear;
use self::state::DashboardState;

/// Ticks that a page may lag behind before it has to take a new snapshot.
const TICKS_MAX: usize = 64;

/// What the dashboard shows.
#[derive(Debug)]
pub struct DashboardOptions {
    pub queue: Queue,
    /// What the host tells, from now on.
    pub events: broadcast::Receiver<Event>,
    /// Kills the handler, when it is ours.
    pub killer: Option<Killer>,
    /// The blob endpoint, when it is ours.
    pub blob: Option<BlobHandle>,
    /// The storefront's account, when it is ours.
    pub shop_storage: Option<BlobHandle>,
    /// What is wrong with the queue for those who send.
    pub bus: SenderFaults,
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
    state: Arc<DashboardState>,
    tasks: JoinSet<()>,
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
            shop_storage,
            bus,
            logic_app,
            outbox,
            links,
            settings,
        } = options;
        let state = Arc::new(DashboardState {
            started: OffsetDateTime::now_utc(),
            build: watch::Sender::default(),
            run: uuid::Uuid::new_v4().simple().to_string(),
            queue,
            killer,
            blob,
            shop_storage,
            bus,
            logic_app,
            outbox,
            links: Mutex::new(links),
            shops: Mutex::default(),
            settings,
            model: Mutex::default(),
            ticks: broadcast::Sender::new(TICKS_MAX),
            exits: watch::Sender::new(0),
            armed: watch::Sender::new(None),
        });
        let mut tasks = JoinSet::new();
        // Before the first request: nothing of what happens from now on is missed.
        let parts = PartsToHear::subscribe(&state, events);
        PartsToHear::look_around(&state);
        tasks.spawn(parts.run(Arc::clone(&state)));
        tasks.spawn(handler::kill_during_uploads(Arc::clone(&state)));
        let server = Server::start(listener, routes::router(Arc::clone(&state)))?;
        Ok(Self {
            server,
            state,
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
        self.state.links().insert(0, link);
    }

    /// One more process of the storefront, which each change of `kills` kills.
    pub fn add_shop(&self, kills: watch::Sender<u64>) {
        self.state.shops().push(kills);
    }

    /// Shows a line that a program beside the handler wrote: the storefront, or another host.
    pub fn add_line(&self, writer: &'static str, text: &str) {
        let now = OffsetDateTime::now_utc();
        self.state.model().line(writer, text, now);
    }

    /// Shows what became of such a program.
    pub fn note(&self, text: &str) {
        let now = OffsetDateTime::now_utc();
        self.state.model().note(Level::Warning, text, now);
    }

    /// Shows how the build of what is hosted stands.
    pub fn say_build(&self, build: BuildState) {
        self.state.build.send_replace(build);
        self.state.model().touch();
    }

    /// Closes the listener and every connection.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
        self.server.stop().await;
    }
}
