//! Where the bus stands: a connection string, or a namespace opened with an identity.

use order_items_reserver::identity::Identity;
use url::{Host, Url};

use super::token::{Access, SasKey};

/// An address, and how to be let in.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Scheme, host and port.
    pub url: Url,
    /// Key or identity.
    pub access: Access,
}

/// The text does not lead to a bus. Never quotes a value: it may be the key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionError {
    /// No usable endpoint.
    #[error("expected Endpoint=sb://<namespace>.servicebus.windows.net/ in the connection string")]
    Endpoint,
    /// A key without its name, or none.
    #[error("expected SharedAccessKeyName and SharedAccessKey in the connection string")]
    Key,
    /// Names another queue.
    #[error("its EntityPath is not the queue of ORDERS_QUEUE_NAME; expected the same or none")]
    EntityPath,
    /// In the clear over a network.
    #[error("UseDevelopmentEmulator=true is for this machine; expected an endpoint on loopback")]
    Emulator,
    /// Not a host name.
    #[error("expected a host name such as <namespace>.servicebus.windows.net")]
    Namespace,
}

impl Endpoint {
    /// Reads a connection string: pairs divided by `;`, each at its first `=`, names in any case.
    ///
    /// # Errors
    /// [`ConnectionError`] names the part that is missing.
    pub fn from_connection_string(text: &str, queue: &str) -> Result<Self, ConnectionError> {
        let part = |name: &str| {
            let mut pairs = text.split(';').filter_map(|pair| pair.split_once('='));
            let value = pairs.find(|(key, _)| key.trim().eq_ignore_ascii_case(name));
            value
                .map(|(_, value)| value.trim())
                .filter(|value| !value.is_empty())
        };
        let endpoint: Url = part("Endpoint")
            .and_then(|text| text.parse().ok())
            .ok_or(ConnectionError::Endpoint)?;
        let host = endpoint.host_str().ok_or(ConnectionError::Endpoint)?;
        if part("EntityPath").is_some_and(|path| !path.eq_ignore_ascii_case(queue)) {
            return Err(ConnectionError::EntityPath);
        }
        let emulated =
            part("UseDevelopmentEmulator").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        if emulated && !is_loopback(host) {
            return Err(ConnectionError::Emulator);
        }
        let port = endpoint.port().map(|port| format!(":{port}"));
        let scheme = if emulated { "http" } else { "https" };
        let url = format!("{scheme}://{host}{}/", port.unwrap_or_default());
        let (Some(name), Some(secret)) = (part("SharedAccessKeyName"), part("SharedAccessKey"))
        else {
            return Err(ConnectionError::Key);
        };
        Ok(Self {
            url: url.parse().map_err(|_| ConnectionError::Endpoint)?,
            access: Access::Key(SasKey {
                name: name.to_owned(),
                secret: secret.to_owned(),
            }),
        })
    }

    /// A namespace by its host name.
    ///
    /// # Errors
    /// [`ConnectionError::Namespace`].
    pub fn with_identity(host: &str, identity: Identity) -> Result<Self, ConnectionError> {
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
        if !host.chars().all(legal) || !host.contains('.') {
            return Err(ConnectionError::Namespace);
        }
        let url = format!("https://{host}/");
        Ok(Self {
            url: url.parse().map_err(|_| ConnectionError::Namespace)?,
            access: Access::Identity(identity),
        })
    }
}

fn is_loopback(host: &str) -> bool {
    match Host::parse(host) {
        Ok(Host::Domain(name)) => name == "localhost",
        Ok(Host::Ipv4(address)) => address.is_loopback(),
        Ok(Host::Ipv6(address)) => address.is_loopback(),
        Err(_) => false,
    }
}
