//! The settings: the function's own, and where its queue is. Every mistake is reported at once.

mod local;

use order_items_reserver::{
    config::{Mistake, Mistakes, Settings},
    identity::Identity,
};

pub use local::{FILE as LOCAL_SETTINGS, LocalError, LocalSettings};

use crate::connection::Connection;

const CONNECTION: &str = "ServiceBusConnection";
const NAMESPACE: &str = "ServiceBusConnection__fullyQualifiedNamespace";
const CREDENTIAL: &str = "ServiceBusConnection__credential";
const CLIENT_ID: &str = "ServiceBusConnection__clientId";
const QUEUE: &str = "ORDERS_QUEUE_NAME";

/// The queue when nothing names another.
const DEFAULT_QUEUE: &str = "order-items";

/// Set by App Service and Functions where the app has an identity.
const IDENTITY_ENDPOINT: &str = "IDENTITY_ENDPOINT";

/// Where settings come from.
pub type Source<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The queue, and the way in.
#[derive(Clone, Debug)]
pub struct QueueSettings {
    /// The namespace.
    pub connection: Connection,
    /// The queue's name.
    pub queue: String,
}

/// The value of `name` in the environment of the process.
#[must_use]
pub fn from_env(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    std::env::var(name).ok()
}

impl QueueSettings {
    /// Reads the settings of the queue alone: enough to look at its dead letters.
    ///
    /// # Errors
    /// Lists everything that is missing or wrong.
    pub fn read(source: Source<'_>) -> Result<Self, Mistakes> {
        let mut reader = Reader {
            source,
            mistakes: Vec::new(),
        };
        let connection = reader.connection();
        let queue = reader.queue(connection.as_ref());
        match (connection, queue) {
            (Some(connection), Some(queue)) if reader.mistakes.is_empty() => {
                Ok(Self { connection, queue })
            }
            _ => Err(Mistakes(reader.mistakes)),
        }
    }

    /// Reads those of the queue and those of the function.
    ///
    /// # Errors
    /// Lists everything that is missing or wrong in either.
    pub fn read_all(source: Source<'_>) -> Result<(Self, Settings), Mistakes> {
        match (Self::read(source), Settings::read(source)) {
            (Ok(queue), Ok(settings)) => Ok((queue, settings)),
            (queue, settings) => {
                let mistakes = [queue.err(), settings.err()];
                let all = mistakes.into_iter().flatten().flat_map(|it| it.0);
                Err(Mistakes(all.collect()))
            }
        }
    }
}

struct Reader<'a> {
    source: Source<'a>,
    mistakes: Vec<Mistake>,
}

impl Reader<'_> {
    /// The value, trimmed; empty is unset.
    fn get(&self, name: &str) -> Option<String> {
        let value = (self.source)(name)?.trim().to_owned();
        Some(value).filter(|value| !value.is_empty())
    }

    fn wrong<T>(&mut self, setting: &'static str, problem: impl Into<String>) -> Option<T> {
        let problem = problem.into();
        self.mistakes.push(Mistake { setting, problem });
        None
    }

    fn connection(&mut self) -> Option<Connection> {
        let identity = self.identity();
        let (name, connection) = match (self.get(CONNECTION), self.get(NAMESPACE)) {
            (Some(text), None) => (CONNECTION, Connection::from_string(&text)),
            (None, Some(host)) => (NAMESPACE, Connection::with_identity(&host, identity?)),
            (Some(_), Some(_)) => {
                let problem = format!("{NAMESPACE} is set too; expected one of them");
                return self.wrong(CONNECTION, problem);
            }
            (None, None) => {
                let problem = format!("missing; expected a connection string, or {NAMESPACE}");
                return self.wrong(CONNECTION, problem);
            }
        };
        match connection {
            Ok(connection) => Some(connection),
            Err(error) => self.wrong(name, error.to_string()),
        }
    }

    /// As the function reads it for its storage: the app's own identity in Azure, elsewhere the
    /// developer's.
    fn identity(&mut self) -> Option<Identity> {
        let client_id = self.get(CLIENT_ID);
        match self.get(CREDENTIAL) {
            Some(credential) if credential.eq_ignore_ascii_case("managedidentity") => {
                Some(Identity::Managed { client_id })
            }
            Some(credential) => self.wrong(
                CREDENTIAL,
                format!("`{credential}` is not supported; expected managedidentity, or nothing for your own sign-in"),
            ),
            None if client_id.is_some() => self.wrong(
                CREDENTIAL,
                format!("expected managedidentity, as {CLIENT_ID} is set"),
            ),
            None if self.get(IDENTITY_ENDPOINT).is_some() => {
                Some(Identity::Managed { client_id: None })
            }
            None => Some(Identity::Developer),
        }
    }

    fn queue(&mut self, connection: Option<&Connection>) -> Option<String> {
        let named = self.get(QUEUE);
        let path = connection.and_then(|connection| connection.entity_path.clone());
        let queue = match (named, path) {
            (Some(name), Some(path)) if !name.eq_ignore_ascii_case(&path) => {
                let problem = format!("`{name}`, but EntityPath of {CONNECTION} is `{path}`");
                return self.wrong(QUEUE, problem);
            }
            (Some(name), _) | (None, Some(name)) => name,
            (None, None) => DEFAULT_QUEUE.to_owned(),
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
        if queue.chars().all(plain) && queue.split('/').all(is_segment) {
            return Some(queue);
        }
        self.wrong(
            QUEUE,
            format!("`{queue}` is no queue's name; expected letters, digits, `.`, `-`, `_`, and `/` between them (the dead-letter queue's own name is added)"),
        )
    }
}

fn is_segment(text: &str) -> bool {
    !matches!(text, "" | "." | "..")
}
