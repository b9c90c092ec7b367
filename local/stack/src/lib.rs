//! `cargo local`: all parts of the local stack in one process, wired by the function app's own
//! settings; its commands, and chaos.
//!
//! ```text
//! options      what to start, and what is kept
//! ports        which setting implies which port, and who sits on one that is taken
//! parts        how each part starts; Stack wires them, below
//! running      how other commands find the stack of a folder
//! storefront   PetStore as a process beside it, and func, the Functions host of Core Tools
//! output       what such a process writes, line by line
//! chaos        a load with everything going wrong at once, on a stack of its own
//! ```
//!
//! The program's own files are in `commands`: what a person types, and what a person sees.

pub mod chaos;
mod error;
pub mod func;
mod options;
mod output;
mod parts;
pub mod ports;
pub mod running;
pub mod storefront;

use std::path::Path;

use blob::{BlobEndpoint, BlobHandle};
use bus::{AmqpDoor, AmqpOptions, AmqpService, Queue, RestDoor, RestOptions, SenderFaults};
use dashboard::Dashboard;
use host::app::{FunctionApp, Settings};
use host::{Event, Host};
use logic_app::LogicApp;
use logic_app::mail::MailService;
use stand_in::Connection;
use tokio::sync::broadcast;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

pub use error::StackError;
pub use options::{Hosting, Keep, Ports, StackOptions, Storage};
use parts::{Backends, BlobEndpoints, ShownParts, links};
use ports::ImpliedPorts;

/// The running stack.
#[derive(Debug)]
pub struct Stack {
    /// The function app, with the settings its handler got.
    pub app: FunctionApp,
    /// The queue behind the door.
    pub queue: Queue,
    /// The door that the connection string names: REST and AMQP.
    pub door: RestDoor,
    /// The AMQP door of clients that name no port.
    pub amqp: AmqpDoor,
    /// The blob endpoint, when `OrdersStorage` points to this machine.
    pub blob: Option<BlobEndpoint>,
    /// The storefront's account in it, unless `PetStoreStorage` points to another machine.
    pub shop_storage: Option<BlobHandle>,
    shop_endpoint: Option<BlobEndpoint>,
    /// What is wrong with the queue for those who send.
    pub bus: SenderFaults,
    /// The Logic App, when `FALLBACK_URL` points to this machine.
    pub logic_app: Option<LogicApp>,
    /// The e-mail service behind it, when the app's folder has the workflow.
    pub mail: Option<MailService>,
    /// The Functions host with the handler, unless another one takes the messages.
    pub host: Option<Host>,
    /// What our host tells, from its start on.
    pub events: broadcast::Receiver<Event>,
    /// Shows all of it.
    pub dashboard: Dashboard,
    /// What senders to the queue should know.
    pub hints: UnboundedReceiver<String>,
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
            storage: Storage::Embedded,
            hosting: Hosting::Embedded,
        })
        .await
    }

    /// Starts every part; a storage that is elsewhere runs already.
    ///
    /// # Errors
    /// [`StackError`]; nothing is left running then.
    pub async fn start_with(options: StackOptions) -> Result<Self, StackError> {
        let mut app = FunctionApp::load(&options.root, options.overrides.clone())?;
        let backends = Backends::start(&options, &mut app).await?;
        let queue = options.keep.queue(&app)?;
        let (host, events) = parts::hosting(&options, &app, &queue)?;
        let (sender, hints) = unbounded_channel();
        queue.tell_troubles_to(sender.clone());
        let connection = app.setting(ports::QUEUE, "the doors check signatures with its key")?;
        let key = Connection::parse(connection)?.key;
        let bus = SenderFaults::default();
        let service = AmqpService::new(AmqpOptions {
            queues: vec![queue.clone()],
            key: key.clone(),
            hints: Some(sender.clone()),
            faults: bus.clone(),
        });
        let amqp = parts::amqp_door(options.ports, service.clone(), &sender).await?;
        let page = parts::dashboard_listener(options.ports, &sender).await?;
        let Backends {
            blobs,
            logic_app,
            mail,
            door,
        } = backends;
        let BlobEndpoints {
            orders: blob,
            shop: shop_endpoint,
            shop_account: shop_storage,
        } = blobs;
        let door_options = RestOptions {
            queues: vec![queue.clone()],
            key,
            links: links(host.as_ref(), blob.as_ref(), logic_app.as_ref()),
            hints: Some(sender),
            faults: bus.clone(),
        };
        let door = RestDoor::start_beside(door, door_options, service)?;
        let shown = ShownParts {
            app: &app,
            queue: &queue,
            host: host.as_ref(),
            blob: blob.as_ref(),
            shop_storage: shop_storage.as_ref(),
            bus: &bus,
            logic_app: logic_app.as_ref(),
            mail: mail.as_ref(),
            door: &door,
        };
        let dashboard = parts::dashboard(page, &shown)?;
        Ok(Self {
            app,
            queue,
            door,
            amqp,
            blob,
            shop_storage,
            shop_endpoint,
            bus,
            logic_app,
            mail,
            host,
            events,
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
        let amqp = (
            "queue (amqp)".to_owned(),
            format!("{}/{}", self.amqp.url(), self.queue.name()),
        );
        let dashboard = ("dashboard".to_owned(), self.dashboard.url());
        let mut all = vec![dashboard, door, amqp];
        all.extend(links(
            self.host.as_ref(),
            self.blob.as_ref(),
            self.logic_app.as_ref(),
        ));
        all.extend(self.outbox().map(|url| ("outbox".to_owned(), url)));
        all
    }

    /// What another host's environment has to say, which goes before local.settings.json: where the
    /// parts of this stack really are.
    #[must_use]
    pub fn host_settings(&self) -> Settings {
        let names = [ports::QUEUE, ports::STORAGE, ports::FALLBACK];
        let value = |name: &str| Some((name.to_owned(), self.app.settings.get(name)?.clone()));
        names.into_iter().filter_map(value).collect()
    }

    /// Where a person reads the mails: on the dashboard, when there is an e-mail service.
    #[must_use]
    pub fn outbox(&self) -> Option<String> {
        let dashboard = self.dashboard.url();
        self.mail.as_ref().map(|_| format!("{dashboard}/#outbox"))
    }

    /// The settings of the function app, and where the storefront keeps its carts: `elsewhere`, or in
    /// its account here. A setting of its own counts, where the ports are those of the settings.
    #[must_use]
    pub fn shop_settings(&self, ports: Ports, elsewhere: Option<String>) -> Settings {
        let mut settings = self.app.settings.clone();
        let here = self
            .shop_storage
            .as_ref()
            .map(BlobHandle::connection_string);
        let is_set = settings.contains_key(ports::SHOP_STORAGE) && ports == Ports::FromSettings;
        let given = elsewhere.or_else(|| here.filter(|_| !is_set));
        if let Some(connection) = given {
            settings.insert(ports::SHOP_STORAGE.to_owned(), connection);
        }
        settings
    }

    /// Stops every part; the handler is killed.
    pub async fn stop(self) {
        self.dashboard.stop().await;
        if let Some(host) = self.host {
            host.stop().await;
        }
        self.door.stop().await;
        self.amqp.stop().await;
        for endpoint in [self.blob, self.shop_endpoint].into_iter().flatten() {
            endpoint.stop().await;
        }
        if let Some(logic_app) = self.logic_app {
            logic_app.stop().await;
        }
        if let Some(mail) = self.mail {
            mail.stop().await;
        }
    }
}

/// Whether a connection string leads to a storage emulator on this machine.
#[must_use]
pub fn is_here(connection: &str) -> bool {
    ports::blob_port(connection).is_some()
}

/// The port that the app's settings imply for its storage; `None` when that is on another machine.
#[must_use]
pub fn storage_port(app: &FunctionApp) -> Option<u16> {
    ImpliedPorts::read(app).ok()?.blob.map(|place| place.port)
}
