//! The settings of a connection to a storage account, named as "Configure an identity-based
//! connection" of Azure Functions names them.

use azure_app::identity::Identity;
use azure_app::settings::{IdentitySettings, Reader, hint_at_cut};

use crate::account::StorageAccount;

/// The settings of a connection `X`.
#[derive(Clone, Copy, Debug)]
pub struct AccountSettings {
    /// `X`: a connection string.
    pub connection: &'static str,
    /// `X__blobServiceUri`: in its place, the blob endpoint of an account that is opened with an
    /// identity.
    pub service_uri: &'static str,
    /// Who the program is there.
    pub identity: IdentitySettings,
}

impl AccountSettings {
    /// Reads the account, which is opened as `identity` where no secret opens it. `None` when a
    /// setting is missing or wrong: the reader knows which.
    pub fn read(
        &self,
        reader: &mut Reader<'_>,
        identity: Option<&Identity>,
    ) -> Option<StorageAccount> {
        let Self {
            connection,
            service_uri,
            ..
        } = *self;
        let (name, hint, account) = match (reader.get(connection), reader.get(service_uri)) {
            (Some(text), None) => (
                connection,
                hint_at_cut(&text),
                StorageAccount::from_connection_string(&text),
            ),
            (None, Some(uri)) => (
                service_uri,
                "",
                StorageAccount::with_identity(&uri, identity?.clone()),
            ),
            (Some(_), Some(_)) => {
                let problem = format!("{service_uri} is set too; expected one of them");
                return reader.wrong(connection, problem);
            }
            (None, None) => {
                let problem = format!(
                    "missing; expected a connection string \
                     (UseDevelopmentStorage=true for Azurite), or {service_uri}"
                );
                return reader.wrong(connection, problem);
            }
        };
        match account {
            Ok(account) => Some(account),
            Err(error) => reader.wrong(name, format!("{error}{hint}")),
        }
    }
}
