//! `ServiceBusConnection` and its queue: the names that the function's trigger reads too.

use order_items_reserver::identity::Identity;

use super::reader::Reader;
use crate::bus::Endpoint;

pub(super) const CONNECTION: &str = "ServiceBusConnection";
pub(super) const NAMESPACE: &str = "ServiceBusConnection__fullyQualifiedNamespace";
pub(super) const CREDENTIAL: &str = "ServiceBusConnection__credential";
pub(super) const CLIENT_ID: &str = "ServiceBusConnection__clientId";
pub(super) const QUEUE: &str = "ORDERS_QUEUE_NAME";
pub(super) const TIMEOUT: &str = "PUBLISH_TIMEOUT_MS";

/// Set by App Service where the app has an identity.
const IDENTITY_ENDPOINT: &str = "IDENTITY_ENDPOINT";

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
    let identity = identity(reader);
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

/// In Azure the app's own; elsewhere the developer's.
fn identity(reader: &mut Reader<'_>) -> Option<Identity> {
    let client_id = reader.get(CLIENT_ID);
    match reader.get(CREDENTIAL) {
        Some(credential) if credential.eq_ignore_ascii_case("managedidentity") => {
            Some(Identity::Managed { client_id })
        }
        Some(credential) => {
            let problem = format!(
                "`{credential}` is not supported; expected managedidentity, or nothing for the developer's own sign-in"
            );
            reader.wrong(CREDENTIAL, problem)
        }
        None if client_id.is_some() => {
            let problem = format!("expected managedidentity, as {CLIENT_ID} is set");
            reader.wrong(CREDENTIAL, problem)
        }
        None if reader.get(IDENTITY_ENDPOINT).is_some() => {
            Some(Identity::Managed { client_id: None })
        }
        None => Some(Identity::Developer),
    }
}
