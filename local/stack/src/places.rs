//! Which ports the app's settings imply, and the settings that lead to other ports.

use url::{Host, Url};

use crate::ports::Place;
use host::app::{AppError, FunctionApp};
use stand_in::Connection;

pub(super) const STORAGE: &str = "OrdersStorage";
pub(super) const FALLBACK: &str = "FALLBACK_URL";
pub(super) const QUEUE: &str = "ServiceBusConnection";

/// The port of the storage emulator.
const EMULATOR_PORT: u16 = 10_000;

/// Where each part listens; `None` when the setting leads to another machine, and the part is not started.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) door: Place,
    pub(super) blob: Option<Place>,
    pub(super) logic_app: Option<Place>,
}

impl Places {
    pub(super) fn of(app: &FunctionApp) -> Result<Self, AppError> {
        let connection = app.setting(QUEUE, "the queue's door listens where it points")?;
        let door = door_port(connection).ok_or_else(|| AppError::Invalid {
            file: "local.settings.json".to_owned(),
            key: format!("Values.{QUEUE}"),
            problem: "expected Endpoint=sb://localhost:<port>;… because this stack is the queue"
                .to_owned(),
        })?;
        let storage = app.settings.get(STORAGE).and_then(|text| blob_port(text));
        let fallback = app
            .settings
            .get(FALLBACK)
            .and_then(|text| loopback_port(text));
        Ok(Self {
            door: Place {
                part: "queue's REST door",
                setting: QUEUE,
                port: door,
            },
            blob: storage.map(|port| Place {
                part: "blob endpoint",
                setting: STORAGE,
                port,
            }),
            logic_app: fallback.map(|port| Place {
                part: "Logic App",
                setting: FALLBACK,
                port,
            }),
        })
    }

    /// The same parts, each on any free port.
    pub(super) fn on_free_ports(self) -> Self {
        let free = |place: Place| Place { port: 0, ..place };
        Self {
            door: free(self.door),
            blob: self.blob.map(free),
            logic_app: self.logic_app.map(free),
        }
    }
}

fn door_port(connection: &str) -> Option<u16> {
    let connection = Connection::parse(connection).ok()?;
    connection
        .port
        .filter(|_| is_loopback(Host::parse(&connection.host).ok().as_ref()))
}

/// The emulator's port, or that of a BlobEndpoint on this machine.
fn blob_port(connection: &str) -> Option<u16> {
    let pairs = connection
        .split(';')
        .filter_map(|pair| pair.split_once('='));
    pairs
        .into_iter()
        .find_map(|(name, value)| match name.trim() {
            name if name.eq_ignore_ascii_case("UseDevelopmentStorage") => value
                .trim()
                .eq_ignore_ascii_case("true")
                .then_some(EMULATOR_PORT),
            name if name.eq_ignore_ascii_case("BlobEndpoint") => loopback_port(value),
            _ => None,
        })
}

fn loopback_port(url: &str) -> Option<u16> {
    let url: Url = url.parse().ok()?;
    url.port_or_known_default()
        .filter(|_| is_loopback(url.host().map(|host| host.to_owned()).as_ref()))
}

fn is_loopback(host: Option<&Host>) -> bool {
    match host {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_settings_imply_ports_and_others_none() {
        assert_eq!(blob_port("UseDevelopmentStorage=true"), Some(10_000));
        assert_eq!(
            blob_port("AccountName=a;BlobEndpoint=http://127.0.0.1:10005/a;"),
            Some(10_005)
        );
        assert_eq!(
            blob_port("AccountName=a;AccountKey=b;EndpointSuffix=core.windows.net"),
            None
        );
        assert_eq!(
            loopback_port("http://localhost:5380/workflows/x"),
            Some(5380)
        );
        assert_eq!(
            loopback_port("https://prod-1.westeurope.logic.azure.com/workflows/x"),
            None
        );
        assert_eq!(
            door_port("Endpoint=sb://localhost:5300;UseDevelopmentEmulator=true"),
            Some(5300)
        );
        assert_eq!(
            door_port("Endpoint=sb://ns.servicebus.windows.net:5671/"),
            None
        );
    }
}
