//! How each part of the stack starts, and where it listens.

use std::io;
use std::net::Ipv4Addr;

use ::dashboard::{Dashboard, DashboardOptions};
use blob::{Account, BlobEndpoint, BlobHandle};
use bus::{AMQP_PORT, AmqpDoor, AmqpService, Queue, RestDoor, SenderFaults};
use host::app::FunctionApp;
use host::{Event, Host, HostError, HostOptions};
use logic_app::mail::MailService;
use logic_app::{LogicApp, Workflow};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::sync::broadcast::{Receiver, Sender};
use tokio::sync::mpsc::UnboundedSender;
use url::Url;

use crate::error::StackError;
use crate::options::{Hosting, Keep, Ports, StackOptions, Storage};
use crate::ports::{ImpliedPorts, Place, redirect};

/// The definition that is deployed, in the app's folder.
const DEFINITION: &str = "infra/logicapp/fallback.definition.json";

const SENDER: &str = "DoNotReply@order-items-reserver.local";
const RECIPIENT: &str = "operations@order-items-reserver.local";

/// Where the handler and the e-mail service are, unless the port is taken: the same after a restart.
const HANDLER_PORT: u16 = 7072;
const MAIL_PORT: u16 = 5382;

/// Where the dashboard is, unless the port is taken.
const DASHBOARD_PORT: u16 = 5310;

/// The storage and the fallback, those of them that are on this machine, and a listener for the
/// door.
#[derive(Debug)]
pub(super) struct Backends {
    pub(super) blobs: BlobEndpoints,
    pub(super) logic_app: Option<LogicApp>,
    pub(super) mail: Option<MailService>,
    pub(super) door: TcpListener,
}

impl Backends {
    /// Starts them; on free ports, the app's settings follow.
    pub(super) async fn start(
        options: &StackOptions,
        app: &mut FunctionApp,
    ) -> Result<Self, StackError> {
        let ports = match options.ports {
            Ports::FromSettings => ImpliedPorts::read(app)?,
            Ports::Auto => ImpliedPorts::read(app)?.on_free_ports(),
        };
        let blobs = match options.storage {
            Storage::Embedded => {
                BlobEndpoints::start(ports.blob, ports.shop, &options.keep).await?
            }
            Storage::Elsewhere => BlobEndpoints::default(),
        };
        let (logic_app, mail) = match ports.logic_app {
            Some(place) => {
                let listener = place.bind().await?;
                let (logic_app, mail) = logic_app(options, listener).await?;
                (Some(logic_app), mail)
            }
            None => (None, None),
        };
        let door = ports.door.bind().await?;
        if options.ports == Ports::Auto {
            let door = door.local_addr()?;
            redirect(
                &mut app.settings,
                blobs.orders.as_ref(),
                logic_app.as_ref(),
                door,
            );
        }
        Ok(Self {
            blobs,
            logic_app,
            mail,
            door,
        })
    }
}

/// The orders' account and the storefront's: on one port, unless their settings name two.
#[derive(Debug, Default)]
pub(super) struct BlobEndpoints {
    pub(super) orders: Option<BlobEndpoint>,
    /// Where the storefront's account is by itself.
    pub(super) shop: Option<BlobEndpoint>,
    pub(super) shop_account: Option<BlobHandle>,
}

impl BlobEndpoints {
    async fn start(
        orders: Option<Place>,
        shop: Option<Place>,
        keep: &Keep,
    ) -> Result<Self, StackError> {
        let mut started = Self::default();
        let beside = shop.filter(|shop| orders.is_some_and(|orders| orders.port == shop.port));
        if let Some(place) = orders {
            let listener = place.bind().await?;
            let first = (Account::ORDERS, keep.blobs()?);
            let others = match beside {
                Some(_) => vec![(Account::PETSTORE, keep.shop_blobs()?)],
                None => vec![],
            };
            let endpoint = BlobEndpoint::start_accounts(listener, first, others)?;
            started.shop_account = endpoint.other(Account::PETSTORE);
            started.orders = Some(endpoint);
        }
        if let (Some(place), None) = (shop, beside) {
            let listener = place.bind().await?;
            let only = (Account::PETSTORE, keep.shop_blobs()?);
            let endpoint = BlobEndpoint::start_accounts(listener, only, [])?;
            started.shop_account = Some(endpoint.handle());
            started.shop = Some(endpoint);
        }
        Ok(started)
    }
}

/// Starts the Logic App of the app.
async fn logic_app(
    options: &StackOptions,
    listener: TcpListener,
) -> Result<(LogicApp, Option<MailService>), StackError> {
    let StackOptions { root, keep, .. } = options;
    let definition = match std::fs::read_to_string(root.join(DEFINITION)) {
        Ok(definition) => definition,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok((LogicApp::start(listener)?, None));
        }
        Err(error) => return Err(error.into()),
    };
    // No setting names the service's port: only the workflow calls it.
    let port = wanted_port(options.ports, MAIL_PORT).await?;
    let mail = MailService::start(port, keep.outbox()?)?;
    let workflow = Workflow::load(&definition, parameters(mail.url()))?;
    let logic_app = match keep.handed_over() {
        Some(file) => LogicApp::start_with_history(listener, workflow, &file)?,
        None => LogicApp::start_with(listener, workflow)?,
    };
    Ok((logic_app, Some(mail)))
}

fn parameters(mail_service: &str) -> Map<String, Value> {
    let values = [
        ("acsEndpoint", json!(mail_service)),
        ("senderAddress", json!(SENDER)),
        ("recipients", json!([{ "address": RECIPIENT }])),
    ];
    values
        .map(|(name, value)| (name.to_owned(), value))
        .into_iter()
        .collect()
}

/// The AMQP door of clients that name no port: on the one they expect then, or on a free one when that is taken.
pub(super) async fn amqp_door(
    ports: Ports,
    service: AmqpService,
    hints: &UnboundedSender<String>,
) -> io::Result<AmqpDoor> {
    let listener = match ports {
        Ports::FromSettings => expected_amqp_port(hints).await?,
        Ports::Auto => free_port().await?,
    };
    AmqpDoor::start(listener, service)
}

async fn expected_amqp_port(hints: &UnboundedSender<String>) -> io::Result<TcpListener> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, AMQP_PORT)).await {
        Ok(listener) => Ok(listener),
        // AMQP is spoken on the port of the connection string too: no reason to refuse the start.
        Err(problem) => {
            let listener = free_port().await?;
            let port = listener.local_addr()?.port();
            let told = format!(
                "port {AMQP_PORT} is not free ({problem}): the AMQP door is on port {port} instead; \
                 a client that names no port in its connection string does not find it"
            );
            // Nobody listens any more when the stack is going down.
            hints.send(told).ok();
            Ok(listener)
        }
    }
}

async fn free_port() -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await
}

/// That one, so that it is the same after a restart, or any.
async fn wanted_port(ports: Ports, port: u16) -> io::Result<TcpListener> {
    let port = if ports == Ports::Auto { 0 } else { port };
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
        Ok(listener) => Ok(listener),
        Err(_) => free_port().await,
    }
}

/// The local host, or none where somebody else takes the messages.
pub(super) fn hosting(
    options: &StackOptions,
    app: &FunctionApp,
    queue: &Queue,
) -> Result<(Option<Host>, Receiver<Event>), HostError> {
    if options.hosting == Hosting::Elsewhere {
        return Ok((None, nothing()));
    }
    let host = HostOptions {
        app: app.clone(),
        handler_url: None,
        traces: true,
    };
    let port = (options.ports == Ports::FromSettings).then_some(HANDLER_PORT);
    let (host, events) = Host::start_on(host, queue.clone(), port)?;
    Ok((Some(host), events))
}

/// The parts that the dashboard shows.
pub(super) struct ShownParts<'a> {
    pub(super) app: &'a FunctionApp,
    pub(super) queue: &'a Queue,
    pub(super) host: Option<&'a Host>,
    pub(super) blob: Option<&'a BlobEndpoint>,
    pub(super) shop_storage: Option<&'a BlobHandle>,
    pub(super) bus: &'a SenderFaults,
    pub(super) logic_app: Option<&'a LogicApp>,
    pub(super) mail: Option<&'a MailService>,
    pub(super) door: &'a RestDoor,
}

/// No setting leads to the dashboard, so another port is only worth a hint.
pub(super) async fn dashboard_listener(
    ports: Ports,
    hints: &UnboundedSender<String>,
) -> io::Result<TcpListener> {
    if ports == Ports::FromSettings {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, DASHBOARD_PORT)).await {
            Ok(listener) => return Ok(listener),
            Err(error) => {
                let hint = format!(
                    "port {DASHBOARD_PORT} for the dashboard is not free ({error}): it has another one"
                );
                // An error means that nobody reads hints.
                hints.send(hint).ok();
            }
        }
    }
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await
}

/// An address that answers who only looks: the blob endpoint's own takes no plain GET.
fn for_people((name, url): (String, String)) -> (String, String) {
    let list = if name == "blobs" { "?comp=list" } else { "" };
    (name, url + list)
}

pub(super) fn dashboard(listener: TcpListener, parts: &ShownParts<'_>) -> io::Result<Dashboard> {
    let ShownParts {
        app,
        queue,
        host,
        blob,
        shop_storage,
        bus,
        logic_app,
        mail,
        door,
    } = parts;
    let queue_url = (
        "queue".to_owned(),
        format!("{}/{}/messages", door.url(), queue.name()),
    );
    let parts = links(*host, *blob, *logic_app).into_iter();
    let mut all: Vec<_> = parts.map(for_people).collect();
    all.push(queue_url);
    let options = DashboardOptions {
        queue: (*queue).clone(),
        events: host.map_or_else(nothing, Host::events),
        killer: host.map(Host::killer),
        blob: blob.map(BlobEndpoint::handle),
        shop_storage: shop_storage.cloned(),
        bus: (*bus).clone(),
        logic_app: logic_app.map(LogicApp::handle),
        outbox: mail.map(MailService::reader),
        links: all,
        settings: app.settings.clone(),
    };
    Dashboard::start(listener, options)
}

/// What no host tells.
pub(super) fn nothing() -> Receiver<Event> {
    Sender::new(1).subscribe()
}

/// Names and addresses of the parts beside the queue.
pub(super) fn links(
    host: Option<&Host>,
    blob: Option<&BlobEndpoint>,
    logic_app: Option<&LogicApp>,
) -> Vec<(String, String)> {
    let links = [
        host.map(|host| ("handler", host.handler_url().to_owned())),
        blob.map(|blob| ("blobs", blob.url().to_owned())),
        logic_app.map(|logic_app| ("logic app", origin(&logic_app.url()))),
    ];
    links
        .into_iter()
        .flatten()
        .map(|(name, url)| (name.to_owned(), url))
        .collect()
}

/// The Logic App's list of what it was handed, not the trigger that takes it.
fn origin(url: &str) -> String {
    url.parse::<Url>()
        .map_or_else(|_| url.to_owned(), |url| url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_taken_port_is_named_and_another_one_is_found() {
        // Held by us, or by whoever was faster.
        let _held = TcpListener::bind((Ipv4Addr::LOCALHOST, AMQP_PORT)).await;
        let (hints, mut told) = tokio::sync::mpsc::unbounded_channel();
        let listener = expected_amqp_port(&hints).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_ne!(port, AMQP_PORT);
        let hint = told.try_recv().expect("a hint");
        assert!(hint.contains("port 5672 is not free"), "{hint}");
        assert!(hint.contains(&format!("on port {port}")), "{hint}");
    }

    #[tokio::test]
    async fn the_outbox_is_at_the_same_port_after_a_restart_unless_it_is_taken() {
        let found = async |ports, port| {
            let listener = wanted_port(ports, port).await.unwrap();
            (listener.local_addr().unwrap().port(), listener)
        };
        let (port, held) = found(Ports::Auto, MAIL_PORT).await;
        assert_ne!(port, MAIL_PORT, "any, and not that one");
        assert_ne!(found(Ports::FromSettings, port).await.0, port, "taken");
        drop(held);
        for _ in 0..2 {
            assert_eq!(found(Ports::FromSettings, port).await.0, port);
        }
    }
}
