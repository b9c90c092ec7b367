//! `ServiceBusConnection` and the queue's name: the settings that the function's trigger reads too.

use azure_app::settings::{AZURE_CLIENT_ID, IdentitySettings, Reader, hint_at_cut};
use url::Url;

use crate::connection::Connection;

/// The setting with a connection string.
pub const CONNECTION: &str = "ServiceBusConnection";
/// Instead of it, the host name of a namespace that is opened with an identity.
pub const NAMESPACE: &str = "ServiceBusConnection__fullyQualifiedNamespace";
/// `managedidentity`, or unset for the developer's own sign-in.
pub const CREDENTIAL: &str = "ServiceBusConnection__credential";
/// The client id of a user-assigned identity.
pub const CLIENT_ID: &str = "ServiceBusConnection__clientId";
/// Not read: an identity is named by its client id.
const OTHER_IDS: [&str; 2] = [
    "ServiceBusConnection__managedIdentityResourceId",
    "ServiceBusConnection__managedIdentityObjectId",
];
/// The setting with the queue's name; it may stand in the connection string instead.
pub const QUEUE: &str = "ORDERS_QUEUE_NAME";
/// The queue when nothing names another.
pub const DEFAULT_QUEUE: &str = "order-items";

/// All of them, each with its default, if it has one.
pub const SETTINGS: [(&str, Option<&str>); 6] = [
    (CONNECTION, None),
    (NAMESPACE, None),
    (CREDENTIAL, None),
    (CLIENT_ID, None),
    (AZURE_CLIENT_ID, None),
    (QUEUE, Some(DEFAULT_QUEUE)),
];

/// The longest name that Service Bus allows, in characters ("Service Bus quotas").
const NAME_MAX: usize = 260;

/// A queue, and the way in.
#[derive(Clone, Debug)]
pub struct Queue {
    /// The namespace, or the local stack in its place.
    pub connection: Connection,
    /// As in `host.json` and in the portal, without the namespace.
    pub name: String,
}

impl Queue {
    /// Reads both. `None` when a setting is missing or wrong: the reader knows which.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let connection = connection(reader);
        let path = connection.as_ref().and_then(|it| it.entity_path.clone());
        let name = name(reader, path);
        Some(Self {
            connection: connection?,
            name: name?,
        })
    }

    /// Its address, or that of what is `below` it. A queue's name may have several segments.
    #[must_use]
    pub fn url(&self, below: &[&str]) -> Url {
        let mut url = self.connection.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.clear().extend(self.name.split('/')).extend(below);
        }
        url
    }
}

fn connection(reader: &mut Reader<'_>) -> Option<Connection> {
    let identity = reader.identity(IdentitySettings {
        credential: CREDENTIAL,
        client_id: CLIENT_ID,
        other_ids: OTHER_IDS,
    });
    let (name, hint, connection) = match (reader.get(CONNECTION), reader.get(NAMESPACE)) {
        (Some(text), None) => (
            CONNECTION,
            hint_at_cut(&text),
            Connection::from_string(&text),
        ),
        (None, Some(host)) => (NAMESPACE, "", Connection::with_identity(&host, identity?)),
        (Some(_), Some(_)) => {
            let problem = format!("{NAMESPACE} is set too; expected one of them");
            return reader.wrong(CONNECTION, problem);
        }
        (None, None) => {
            let problem = format!("missing; expected a connection string, or {NAMESPACE}");
            return reader.wrong(CONNECTION, problem);
        }
    };
    match connection {
        Ok(connection) => Some(connection),
        Err(error) => reader.wrong(name, format!("{error}{hint}")),
    }
}

/// `path` is the queue that the connection string names, if it does.
fn name(reader: &mut Reader<'_>, path: Option<String>) -> Option<String> {
    let name = match (reader.get(QUEUE), path) {
        (Some(name), Some(path)) if !name.eq_ignore_ascii_case(&path) => {
            let problem = format!("`{name}`, but EntityPath of {CONNECTION} is `{path}`");
            return reader.wrong(QUEUE, problem);
        }
        (Some(name), _) | (None, Some(name)) => name,
        (None, None) => DEFAULT_QUEUE.to_owned(),
    };
    if is_name(&name) {
        return Some(name);
    }
    reader.wrong(
        QUEUE,
        format!(
            "`{name}` is no queue's name; expected letters and digits, and `.`, `-`, `_`, `/` between them \
             (a dead-letter queue goes by the name of its queue)"
        ),
    )
}

fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    text.len() <= NAME_MAX
        && text.chars().all(plain)
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
        && text.split('/').all(|part| !matches!(part, "" | "." | ".."))
}
