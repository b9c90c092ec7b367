//! All parts of the local stack in one process, wired by the function app's own settings.

mod dashboard;
mod fallback;
mod places;
mod wiring;

use std::path::{Path, PathBuf};

use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::app::{AppError, FunctionApp, Settings};
use crate::blob::BlobEndpoint;
use crate::clock::Clock;
use crate::connection::{Connection, ConnectionError};
use crate::dashboard::Dashboard;
use crate::door::{Door, DoorOptions};
use crate::host::{Host, HostError, HostOptions};
use crate::logic_app::LogicApp;
use crate::mail::{MailService, Outbox};
use crate::ports::{Place, PortTaken};
use crate::queue::{Queue, QueueOptions};
use crate::workflow::Refused;
use places::Places;
use wiring::{links, redirect};

/// Where the parts listen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Ports {
    /// Where local.settings.json points.
    #[default]
    FromSettings,
    /// On free ports, and the handler's settings follow: for tests and second instances.
    Auto,
}

/// What survives the end of the stack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Keep {
    /// Nothing: for tests.
    #[default]
    InMemory,
    /// What the parts write into this folder, each under a name of its own.
    InFolder(PathBuf),
}

impl Keep {
    fn outbox(&self) -> Outbox {
        match self {
            Self::InMemory => Outbox::in_memory(),
            Self::InFolder(folder) => Outbox::in_folder(folder.join("outbox")),
        }
    }
}

/// What to start.
#[derive(Debug, Clone)]
pub struct StackOptions {
    /// The folder of host.json.
    pub root: PathBuf,
    /// Where the parts listen.
    pub ports: Ports,
    /// Replace values of local.settings.json.
    pub overrides: Settings,
    /// What survives the end.
    pub keep: Keep,
}

/// The running stack.
#[derive(Debug)]
pub struct Stack {
    /// The function app, with the settings its handler got.
    pub app: FunctionApp,
    /// The queue behind the door.
    pub queue: Queue,
    /// The queue's REST door.
    pub door: Door,
    /// The blob endpoint, when `OrdersStorage` points to this machine.
    pub blob: Option<BlobEndpoint>,
    /// The Logic App, when `FALLBACK_URL` points to this machine.
    pub logic_app: Option<LogicApp>,
    /// The e-mail service behind it, when the app's folder has the workflow.
    pub mail: Option<MailService>,
    /// The Functions host with the handler.
    pub host: Host,
    /// Shows all of it.
    pub dashboard: Dashboard,
    /// What senders to the queue should know.
    pub hints: UnboundedReceiver<String>,
}

/// The stack cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// A file or setting of the app.
    #[error(transparent)]
    App(#[from] AppError),
    /// A port.
    #[error(transparent)]
    Port(#[from] PortTaken),
    /// The queue's connection string.
    #[error("local.settings.json: Values.ServiceBusConnection: {0}")]
    Connection(#[from] ConnectionError),
    /// The workflow behind the Logic App.
    #[error(transparent)]
    Workflow(#[from] Refused),
    /// The host.
    #[error(transparent)]
    Host(#[from] HostError),
    /// A listener without an address.
    #[error("a listener failed: {0}")]
    Listener(#[from] std::io::Error),
}

impl Stack {
    /// Starts every part for the app in `root`; `overrides` replace values of local.settings.json.
    /// Nothing is kept.
    ///
    /// # Errors
    /// [`StackError`]; nothing is left running then.
    pub async fn start(root: &Path, ports: Ports, overrides: Settings) -> Result<Self, StackError> {
        Self::start_with(StackOptions {
            root: root.to_owned(),
            ports,
            overrides,
            keep: Keep::InMemory,
        })
        .await
    }

    /// Starts every part.
    ///
    /// # Errors
    /// [`StackError`]; nothing is left running then.
    pub async fn start_with(options: StackOptions) -> Result<Self, StackError> {
        let StackOptions {
            root,
            ports,
            overrides,
            keep,
        } = options;
        let mut app = FunctionApp::load(&root, overrides)?;
        let places = match ports {
            Ports::FromSettings => Places::of(&app)?,
            Ports::Auto => Places::of(&app)?.on_free_ports(),
        };
        let blob = bind(places.blob)
            .await?
            .map(BlobEndpoint::start)
            .transpose()?;
        let (logic_app, mail) = match bind(places.logic_app).await? {
            Some(listener) => {
                let (logic_app, mail) = fallback::start(&root, listener, keep.outbox()).await?;
                (Some(logic_app), mail)
            }
            None => (None, None),
        };
        let door = places.door.bind().await?;
        if ports == Ports::Auto {
            redirect(
                &mut app.settings,
                blob.as_ref(),
                logic_app.as_ref(),
                door.local_addr()?,
            );
        }
        let queue = Queue::new(&app.queue, QueueOptions::default(), Clock::new());
        let host = Host::start(
            HostOptions {
                app: app.clone(),
                handler_url: None,
            },
            queue.clone(),
        )?;
        let (sender, hints) = unbounded_channel();
        let page = dashboard::listener(ports, &sender).await?;
        let links = links(&host, blob.as_ref(), logic_app.as_ref());
        let door = open_door(door, &app, &queue, links, sender)?;
        let parts = dashboard::Parts {
            app: &app,
            queue: &queue,
            host: &host,
            blob: blob.as_ref(),
            logic_app: logic_app.as_ref(),
            mail: mail.as_ref(),
            door: &door,
        };
        let dashboard = dashboard::start(page, &parts)?;
        Ok(Self {
            app,
            queue,
            door,
            blob,
            logic_app,
            mail,
            host,
            dashboard,
            hints,
        })
    }

    /// Names and addresses of every part.
    #[must_use]
    pub fn addresses(&self) -> Vec<(String, String)> {
        let door = (
            "queue".to_owned(),
            format!("{}/{}/messages", self.door.url(), self.queue.name()),
        );
        let mut all = vec![("dashboard".to_owned(), self.dashboard.url()), door];
        all.extend(links(
            &self.host,
            self.blob.as_ref(),
            self.logic_app.as_ref(),
        ));
        let outbox = self.mail.as_ref().map(|mail| mail.url().to_owned());
        all.extend(outbox.map(|url| ("outbox".to_owned(), url)));
        all
    }

    /// Stops every part; the handler is killed.
    pub async fn stop(self) {
        self.dashboard.stop().await;
        self.host.stop().await;
        self.door.stop().await;
        if let Some(blob) = self.blob {
            blob.stop().await;
        }
        if let Some(logic_app) = self.logic_app {
            logic_app.stop().await;
        }
        if let Some(mail) = self.mail {
            mail.stop().await;
        }
    }
}

fn open_door(
    listener: TcpListener,
    app: &FunctionApp,
    queue: &Queue,
    links: Vec<(String, String)>,
    hints: UnboundedSender<String>,
) -> Result<Door, StackError> {
    let connection = app.setting(places::QUEUE, "the door checks signatures with its key")?;
    let options = DoorOptions {
        queues: vec![queue.clone()],
        key: Connection::parse(connection)?.key,
        links,
        hints: Some(hints),
    };
    Ok(Door::start(listener, options)?)
}

async fn bind(place: Option<Place>) -> Result<Option<TcpListener>, PortTaken> {
    match place {
        Some(place) => place.bind().await.map(Some),
        None => Ok(None),
    }
}
