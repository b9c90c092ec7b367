//! The ports of the stack: which setting implies which, who sits on one that is taken, and the
//! settings that lead to other ports.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use blob::BlobEndpoint;
use host::app::{AppError, FunctionApp, Settings};
use logic_app::LogicApp;
use stand_in::Connection;
use tokio::net::TcpListener;
use url::{Host, Url};

pub(super) const STORAGE: &str = "OrdersStorage";
/// Where the storefront keeps its carts; the handler has no use for it.
pub(super) const SHOP_STORAGE: &str = "PetStoreStorage";
pub(super) const FALLBACK: &str = "FALLBACK_URL";
pub(super) const QUEUE: &str = "ServiceBusConnection";

/// The port of the storage emulator.
const EMULATOR_PORT: u16 = 10_000;

/// The state of a socket that listens, in the tables under /proc/net.
const LISTEN: &str = "0A";

/// A port of the stack on 127.0.0.1, and where it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The part that listens there.
    pub part: &'static str,
    /// The setting in local.settings.json that implies the port.
    pub setting: &'static str,
    /// The port; 0 for any free one.
    pub port: u16,
}

/// A part cannot have its port.
#[derive(Debug, thiserror::Error)]
#[error(
    "port {port} for the {part} is not free: {source}\n  \
     held by: {owner}\n  \
     it comes from: {setting} in local.settings.json\n  \
     to do: stop that process, change the setting, or run `cargo local --ports auto`"
)]
pub struct PortTaken {
    port: u16,
    part: &'static str,
    setting: &'static str,
    owner: String,
    source: std::io::Error,
}

impl Place {
    /// Listens there.
    ///
    /// # Errors
    /// [`PortTaken`] names the port, the setting and, when the system tells, the process that holds
    /// it.
    pub async fn bind(self) -> Result<TcpListener, PortTaken> {
        let Self {
            part,
            setting,
            port,
        } = self;
        TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
            .await
            .map_err(|source| {
                let owner = owner_of(port).unwrap_or_else(|| {
                    "unknown (another user's process, or none that listens)".to_owned()
                });
                PortTaken {
                    port,
                    part,
                    setting,
                    owner,
                    source,
                }
            })
    }
}

/// Name and process id of who listens on the port, as Linux tells it under /proc: best effort.
fn owner_of(port: u16) -> Option<String> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"]
        .map(|table| fs::read_to_string(table).unwrap_or_default());
    let inode = tables
        .iter()
        .find_map(|table| listening_inode(table, port))?;
    let link = format!("socket:[{inode}]");
    let entries = fs::read_dir("/proc").ok()?.flatten();
    // By number: /proc/self is one of them too.
    let processes =
        entries.filter(|entry| entry.file_name().to_string_lossy().parse::<u32>().is_ok());
    let owner = processes
        .map(|entry| entry.path())
        .find(|process| holds(process, &link))?;
    let name = fs::read_to_string(owner.join("comm")).ok()?;
    Some(format!(
        "{} (process {})",
        name.trim(),
        owner.file_name()?.to_string_lossy()
    ))
}

/// The columns are: slot, local address, remote address, state, five more, inode.
fn listening_inode(table: &str, port: u16) -> Option<String> {
    let port = format!(":{port:04X}");
    table.lines().find_map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let matches = columns.get(1)?.ends_with(&port) && *columns.get(3)? == LISTEN;
        matches.then(|| columns.get(9).map(|inode| (*inode).to_owned()))?
    })
}

fn holds(process: &Path, link: &str) -> bool {
    let Ok(files) = fs::read_dir(process.join("fd")) else {
        return false;
    };
    files
        .flatten()
        .any(|file| fs::read_link(file.path()).is_ok_and(|target| target.as_os_str() == link))
}

/// Where each part listens; `None` when the setting leads to another machine, and the part is not
/// started.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ImpliedPorts {
    pub(super) door: Place,
    pub(super) blob: Option<Place>,
    /// The storefront's account: where its setting leads, else beside the orders'.
    pub(super) shop: Option<Place>,
    pub(super) logic_app: Option<Place>,
}

impl ImpliedPorts {
    pub(super) fn read(app: &FunctionApp) -> Result<Self, AppError> {
        let connection = app.setting(QUEUE, "the queue's door listens where it points")?;
        let door = door_port(connection).ok_or_else(|| AppError::Invalid {
            file: "local.settings.json".to_owned(),
            key: format!("Values.{QUEUE}"),
            problem: "expected Endpoint=sb://localhost:<port>;… because this stack is the queue"
                .to_owned(),
        })?;
        let storage = app.settings.get(STORAGE).and_then(|text| blob_port(text));
        let shop = match app.settings.get(SHOP_STORAGE) {
            Some(connection) => blob_port(connection),
            None if app
                .settings
                .contains_key(&format!("{SHOP_STORAGE}__blobServiceUri")) =>
            {
                None
            }
            None => Some(storage.unwrap_or_default()),
        };
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
            shop: shop.map(|port| Place {
                part: "storefront's blob endpoint",
                setting: SHOP_STORAGE,
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
            shop: self.shop.map(free),
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
pub(super) fn blob_port(connection: &str) -> Option<u16> {
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

/// Points the handler's settings to where the parts really are.
pub(super) fn redirect(
    settings: &mut Settings,
    blob: Option<&BlobEndpoint>,
    logic_app: Option<&LogicApp>,
    door: SocketAddr,
) {
    if let Some(blob) = blob {
        settings.insert(STORAGE.to_owned(), blob.connection_string());
    }
    if let (Some(logic_app), Some(url)) = (logic_app, settings.get_mut(FALLBACK)) {
        *url = with_port_of(url, &logic_app.url()).unwrap_or_else(|| logic_app.url());
    }
    if let Some(connection) = settings.get_mut(QUEUE) {
        *connection = Connection::with_port(connection, door.port());
    }
}

fn with_port_of(url: &str, other: &str) -> Option<String> {
    let mut url: Url = url.parse().ok()?;
    url.set_port(other.parse::<Url>().ok()?.port()).ok()?;
    Some(url.into())
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

    #[test]
    fn the_listening_socket_is_found_in_the_table() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            \x20  0: 0100007F:14B4 0100007F:9999 01 00000000:00000000 00:00000000 00000000  1000  0 111 1 0\n\
            \x20  1: 0100007F:14B4 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000  0 222 1 0\n";
        assert_eq!(listening_inode(table, 5300).as_deref(), Some("222"));
        assert_eq!(listening_inode(table, 5301), None);
    }
}
