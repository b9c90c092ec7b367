//! `OrdersStorage`: where the orders go, and who the function is there.

use azure_app::{identity::Identity, settings::Reader};

use crate::store::azure::StorageAccount;

pub(super) const CONNECTION: &str = "OrdersStorage";
pub(super) const SERVICE_URI: &str = "OrdersStorage__blobServiceUri";
pub(super) const CREDENTIAL: &str = "OrdersStorage__credential";
pub(super) const CLIENT_ID: &str = "OrdersStorage__clientId";
pub(super) const CONTAINER: &str = "ORDERS_CONTAINER";

pub(super) fn account(
    reader: &mut Reader<'_>,
    identity: Option<&Identity>,
) -> Option<StorageAccount> {
    let (name, account) = match (reader.get(CONNECTION), reader.get(SERVICE_URI)) {
        (Some(connection), None) => (
            CONNECTION,
            StorageAccount::from_connection_string(&connection),
        ),
        (None, Some(uri)) => (
            SERVICE_URI,
            StorageAccount::with_identity(&uri, identity?.clone()),
        ),
        (Some(_), Some(_)) => {
            return reader.wrong(
                CONNECTION,
                format!("{SERVICE_URI} is set too; expected one of them"),
            );
        }
        (None, None) => {
            let problem = format!(
                "missing; expected a connection string (UseDevelopmentStorage=true for Azurite), or {SERVICE_URI}"
            );
            return reader.wrong(CONNECTION, problem);
        }
    };
    match account {
        Ok(account) => Some(account),
        Err(error) => reader.wrong(name, error.to_string()),
    }
}

pub(super) fn container(reader: &mut Reader<'_>) -> Option<String> {
    let name = reader.or_default(CONTAINER);
    let alphanumeric = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let legal = (3..=63).contains(&name.len())
        && name.bytes().all(|b| alphanumeric(b) || b == b'-')
        && name.split('-').all(|word| !word.is_empty());
    if legal {
        return Some(name);
    }
    let problem = format!(
        "`{name}` is no container name; expected 3 to 63 lower-case letters, digits and single hyphens"
    );
    reader.wrong(CONTAINER, problem)
}
