//! Addresses of the running parts: for people, and for the handler's settings.

use std::net::SocketAddr;

use url::Url;

use super::places;
use blob::BlobEndpoint;
use host::Host;
use host::app::Settings;
use logic_app::LogicApp;
use stand_in::Connection;

/// Names and addresses of the parts beside the queue.
pub(super) fn links(
    host: &Host,
    blob: Option<&BlobEndpoint>,
    logic_app: Option<&LogicApp>,
) -> Vec<(String, String)> {
    let links = [
        Some(("handler", host.handler_url().to_owned())),
        blob.map(|blob| ("blobs", blob.url().to_owned())),
        logic_app.map(|logic_app| ("logic app", origin(&logic_app.url()))),
    ];
    links
        .into_iter()
        .flatten()
        .map(|(name, url)| (name.to_owned(), url))
        .collect()
}

/// Points the handler's settings to where the parts really are.
pub(super) fn redirect(
    settings: &mut Settings,
    blob: Option<&BlobEndpoint>,
    logic_app: Option<&LogicApp>,
    door: SocketAddr,
) {
    if let Some(blob) = blob {
        settings.insert(places::STORAGE.to_owned(), blob.connection_string());
    }
    if let (Some(logic_app), Some(url)) = (logic_app, settings.get_mut(places::FALLBACK)) {
        *url = with_port_of(url, &logic_app.url()).unwrap_or_else(|| logic_app.url());
    }
    if let Some(connection) = settings.get_mut(places::QUEUE) {
        *connection = Connection::with_port(connection, door.port());
    }
}

/// The Logic App's list of what it was handed, not the trigger that takes it.
fn origin(url: &str) -> String {
    url.parse::<Url>()
        .map_or_else(|_| url.to_owned(), |url| url.origin().ascii_serialization())
}

fn with_port_of(url: &str, other: &str) -> Option<String> {
    let mut url: Url = url.parse().ok()?;
    url.set_port(other.parse::<Url>().ok()?.port()).ok()?;
    Some(url.into())
}
