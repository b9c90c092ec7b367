//! The dashboard of the stack: where it listens, and what it is handed.

use std::io;
use std::net::Ipv4Addr;

use tokio::net::TcpListener;
use tokio::sync::mpsc::UnboundedSender;

use super::Ports;
use super::wiring::links;
use blob::BlobEndpoint;
use bus::{Queue, RestDoor};
use dashboard::{Dashboard, DashboardOptions};
use host::Host;
use host::app::FunctionApp;
use logic_app::LogicApp;
use logic_app::mail::MailService;

/// Where the dashboard is, unless the port is taken.
const PORT: u16 = 5310;

/// The parts that it shows.
pub(super) struct Parts<'a> {
    pub(super) app: &'a FunctionApp,
    pub(super) queue: &'a Queue,
    pub(super) host: &'a Host,
    pub(super) blob: Option<&'a BlobEndpoint>,
    pub(super) logic_app: Option<&'a LogicApp>,
    pub(super) mail: Option<&'a MailService>,
    pub(super) door: &'a RestDoor,
}

/// No setting leads to the dashboard, so another port is only worth a hint.
pub(super) async fn listener(
    ports: Ports,
    hints: &UnboundedSender<String>,
) -> io::Result<TcpListener> {
    if ports == Ports::FromSettings {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, PORT)).await {
            Ok(listener) => return Ok(listener),
            Err(error) => {
                let hint = format!(
                    "port {PORT} for the dashboard is not free ({error}): it has another one"
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

/// Starts it.
pub(super) fn start(listener: TcpListener, parts: &Parts<'_>) -> io::Result<Dashboard> {
    let Parts {
        app,
        queue,
        host,
        blob,
        logic_app,
        mail,
        door,
    } = parts;
    let queue_url = (
        "queue".to_owned(),
        format!("{}/{}/messages", door.url(), queue.name()),
    );
    let parts = links(host, *blob, *logic_app).into_iter();
    let mut all: Vec<_> = parts.map(for_people).collect();
    all.push(queue_url);
    let options = DashboardOptions {
        queue: (*queue).clone(),
        events: host.events(),
        killer: host.killer(),
        blob: blob.map(BlobEndpoint::handle),
        logic_app: logic_app.map(LogicApp::handle),
        outbox: mail.map(MailService::reader),
        links: all,
        settings: app.settings.clone(),
    };
    Dashboard::start(listener, options)
}
