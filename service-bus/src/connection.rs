//! Where the queue is and who we are there: `ServiceBusConnection` in either of its forms.

use azure_app::identity::Identity;
use azure_app::settings::is_loopback;
use url::Url;

use crate::sas::SharedKey;

/// A namespace, or the local stack in its place.
#[derive(Clone, Debug)]
pub struct Connection {
    /// `https://{namespace}.servicebus.windows.net/`, or the local stack's address.
    pub base: Url,
    /// How requests are authorized.
    pub access: Access,
    /// The queue, when the connection string names one.
    pub entity_path: Option<String>,
}

/// How requests are authorized.
#[derive(Clone, Debug)]
pub enum Access {
    /// A shared access key signs a token.
    Key(SharedKey),
    /// An Entra token.
    Identity(Identity),
}

/// What is wrong with the connection. Never quotes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionError {
    /// A part that is no `name=value`.
    #[error("part {0} is not name=value; expected name=value pairs separated by ';'")]
    NoPair(usize),
    /// No usable endpoint.
    #[error("no usable Endpoint; expected Endpoint=sb://<namespace>.servicebus.windows.net/")]
    Endpoint,
    /// No key.
    #[error("expected SharedAccessKeyName and SharedAccessKey, both of them")]
    Key,
    /// The local stack, but where?
    #[error(
        "UseDevelopmentEmulator=true needs an Endpoint with a port on this machine, as sb://localhost:5300"
    )]
    Emulator,
    /// A namespace that is none.
    #[error("not a host name; expected <namespace>.servicebus.windows.net")]
    Namespace,
}

impl Connection {
    /// Reads a connection string: pairs divided by `;`, each at its first `=` (keys end in `=`),
    /// names in any case.
    ///
    /// # Errors
    /// Names the part that is missing or wrong.
    pub fn from_string(text: &str) -> Result<Self, ConnectionError> {
        let mut pairs = Vec::new();
        for (at, pair) in text.split(';').enumerate() {
            match pair.split_once('=') {
                Some((name, value)) => pairs.push((name.trim(), value.trim())),
                None if pair.trim().is_empty() => {}
                None => return Err(ConnectionError::NoPair(at + 1)),
            }
        }
        let part = |wanted: &str| {
            let mut found = pairs
                .iter()
                .filter(|(name, value)| name.eq_ignore_ascii_case(wanted) && !value.is_empty());
            found.next().map(|(_, value)| (*value).to_owned())
        };
        let endpoint = part("Endpoint").ok_or(ConnectionError::Endpoint)?;
        let local = part("UseDevelopmentEmulator");
        let base = match local.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            true => emulator(&endpoint)?,
            false => namespace(&endpoint)?,
        };
        match (part("SharedAccessKeyName"), part("SharedAccessKey")) {
            (Some(name), Some(secret)) => Ok(Self {
                base,
                access: Access::Key(SharedKey { name, secret }),
                entity_path: part("EntityPath"),
            }),
            _ => Err(ConnectionError::Key),
        }
    }

    /// A namespace by its host name, opened with an identity.
    ///
    /// # Errors
    /// When it is no host name.
    pub fn with_identity(host: &str, identity: Identity) -> Result<Self, ConnectionError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        let base = Url::parse(&format!("https://{host}/")).ok();
        let base = base.filter(|_| host.chars().all(plain) && host.contains('.'));
        Ok(Self {
            base: base.ok_or(ConnectionError::Namespace)?,
            access: Access::Identity(identity),
            entity_path: None,
        })
    }
}

/// Keys and orders leave the machine encrypted only, so the port of the connection string, which
/// is AMQP's, does not matter.
fn namespace(endpoint: &str) -> Result<Url, ConnectionError> {
    let url = Url::parse(endpoint).map_err(|_| ConnectionError::Endpoint)?;
    let host = url.host_str().filter(|host| !host.is_empty());
    let host = host.ok_or(ConnectionError::Endpoint)?;
    Url::parse(&format!("https://{host}/")).map_err(|_| ConnectionError::Endpoint)
}

fn emulator(endpoint: &str) -> Result<Url, ConnectionError> {
    let url = Url::parse(endpoint).map_err(|_| ConnectionError::Endpoint)?;
    let (Some(host), Some(port)) = (url.host_str(), url.port()) else {
        return Err(ConnectionError::Emulator);
    };
    let base = Url::parse(&format!("http://{host}:{port}/"));
    let base = base.map_err(|_| ConnectionError::Emulator)?;
    if is_loopback(&base) {
        Ok(base)
    } else {
        Err(ConnectionError::Emulator)
    }
}
