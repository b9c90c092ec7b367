//! `ServiceBusConnection` and its queue: the names that the function's trigger reads too.

use order_items_reserver::config::{Reader, identity};

use crate::bus::Endpoint;

pub(super) const CONNECTION: &str = "ServiceBusConnection";
pub(super) const NAMESPACE: &str = "ServiceBusConnection__fullyQualifiedNamespace";
pub(super) const CREDENTIAL: &str = "ServiceBusConnection__credential";
pub(super) const CLIENT_ID: &str = "ServiceBusConnection__clientId";
pub(super) const QUEUE: &str = "ORDERS_QUEUE_NAME";
pub(super) const TIMEOUT: &str = "PUBLISH_TIMEOUT_MS";

pub(super) fn queue(reader: &mut Reader<'_>) -> Option<String> {
    let name = reader.or_default(QUEUE);
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    let edges = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_alphanumeric());
    if name.len() <= 260
        && name.bytes().all(legal)
        && edges(name.bytes().next())
        && edges(name.bytes().last())
    {
        return Some(name);
    }
    let problem = format!(
        "`{name}` is no queue name; expected letters, digits, hyphens, dots and underscores"
    );
    reader.wrong(QUEUE, problem)
}

pub(super) fn endpoint(reader: &mut Reader<'_>, queue: Option<&str>) -> Option<Endpoint> {
    let identity = identity(reader, CREDENTIAL, CLIENT_ID);
    let (name, endpoint) = match (reader.get(CONNECTION), reader.get(NAMESPACE)) {
        (Some(text), None) => (CONNECTION, Endpoint::from_connection_string(&text, queue?)),
        (None, Some(host)) => (NAMESPACE, Endpoint::with_identity(&host, identity?)),
        (Some(_), Some(_)) => {
            let problem = format!("{NAMESPACE} is set too; expected one of them");
            return reader.wrong(CONNECTION, problem);
        }
        (None, None) => {
            let problem = format!("missing; expected a connection string, or {NAMESPACE}");
            return reader.wrong(CONNECTION, problem);
        }
    };
    match endpoint {
        Ok(endpoint) => Some(endpoint),
        Err(error) => reader.wrong(name, error.to_string()),
    }
}
