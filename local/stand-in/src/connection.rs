//! A Service Bus connection string: where the queue's door stands and which key opens it.

use std::fmt;

use url::Url;

/// What the stack takes from `ServiceBusConnection`.
#[derive(Debug, Clone)]
pub struct Connection {
    pub host: String,
    /// The port, when one is named.
    pub port: Option<u16>,
    /// The key that signs tokens, when there is one.
    pub key: Option<AccessKey>,
}

/// A shared access key. Never printed.
#[derive(Clone)]
pub struct AccessKey {
    /// `SharedAccessKeyName`.
    pub name: String,
    /// `SharedAccessKey`: signs as text, it is not base64-decoded.
    pub secret: String,
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKey")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// The connection string lacks a part; it never quotes a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionError {
    #[error("expected Endpoint=sb://host[:port] in the connection string")]
    Endpoint,
    /// A key name without a key, or the other way round.
    #[error("expected SharedAccessKeyName and SharedAccessKey together in the connection string")]
    HalfAKey,
}

impl Connection {
    /// Reads a connection string: pairs divided by `;`, each at its first `=`, names in any case.
    ///
    /// # Errors
    /// [`ConnectionError`] names the part that is missing.
    pub fn parse(text: &str) -> Result<Self, ConnectionError> {
        let part = |name: &str| {
            let pairs = text.split(';').filter_map(|pair| pair.split_once('='));
            let mut values = pairs
                .filter(|(key, _)| key.trim().eq_ignore_ascii_case(name))
                .map(|(_, value)| value.trim());
            values
                .next()
                .map(str::to_owned)
                .filter(|value| !value.is_empty())
        };
        let endpoint: Url = part("Endpoint")
            .and_then(|text| text.parse().ok())
            .ok_or(ConnectionError::Endpoint)?;
        let host = endpoint
            .host_str()
            .ok_or(ConnectionError::Endpoint)?
            .to_owned();
        let key = match (part("SharedAccessKeyName"), part("SharedAccessKey")) {
            (Some(name), Some(secret)) => Some(AccessKey { name, secret }),
            (None, None) => None,
            _ => return Err(ConnectionError::HalfAKey),
        };
        Ok(Self {
            host,
            port: endpoint.port(),
            key,
        })
    }

    /// The same connection string with another port in its endpoint.
    #[must_use]
    pub fn with_port(text: &str, port: u16) -> String {
        let pairs = text.split(';').map(|pair| match pair.split_once('=') {
            Some((name, value)) if name.trim().eq_ignore_ascii_case("Endpoint") => {
                format!(
                    "{name}={}",
                    endpoint_with_port(value, port).as_deref().unwrap_or(value)
                )
            }
            _ => pair.to_owned(),
        });
        pairs.collect::<Vec<_>>().join(";")
    }
}

fn endpoint_with_port(endpoint: &str, port: u16) -> Option<String> {
    let mut url: Url = endpoint.parse().ok()?;
    url.set_port(Some(port)).ok()?;
    Some(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCAL: &str = "Endpoint=sb://localhost:5300;SharedAccessKeyName=Root;sharedaccesskey=a+/b==;UseDevelopmentEmulator=true";

    #[test]
    fn pairs_are_split_at_the_first_equals_sign_and_names_are_in_any_case() {
        let connection = Connection::parse(LOCAL).expect("a good string");
        assert_eq!(
            (connection.host.as_str(), connection.port),
            ("localhost", Some(5300))
        );
        assert_eq!(connection.key.expect("a key").secret, "a+/b==");
    }

    #[test]
    fn blanks_around_names_and_values_do_not_count() {
        let text = LOCAL.replace(';', " ; ").replacen("Key=", "Key = ", 1);
        let connection = Connection::parse(&text).expect("a good string");
        let key = connection.key.expect("a key");
        assert_eq!((key.name.as_str(), key.secret.as_str()), ("Root", "a+/b=="));
    }

    #[test]
    fn another_port_leaves_the_rest_alone() {
        assert_eq!(Connection::with_port(LOCAL, 7), LOCAL.replace("5300", "7"));
    }

    #[test]
    fn what_is_missing_is_named_and_the_key_is_not_shown() {
        assert_eq!(Connection::parse("").err(), Some(ConnectionError::Endpoint));
        let half = Connection::parse("Endpoint=sb://localhost;SharedAccessKeyName=Root");
        assert_eq!(half.err(), Some(ConnectionError::HalfAKey));
        let shown = format!("{:?}", Connection::parse(LOCAL));
        assert!(shown.contains("Root") && !shown.contains("a+/b"), "{shown}");
    }
}
