//! The ports of the stack: which setting implies which, and who sits on one that is taken.

mod owner;

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpListener;

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
    /// [`PortTaken`] names the port, the setting and, when the system tells, the process that holds it.
    pub async fn bind(self) -> Result<TcpListener, PortTaken> {
        let Self {
            part,
            setting,
            port,
        } = self;
        TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
            .await
            .map_err(|source| {
                let owner = owner::of(port).unwrap_or_else(|| {
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
