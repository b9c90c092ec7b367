//! The way in to one container: whose credential, which version of the protocol.

use std::sync::Arc;

use azure_core::credentials::TokenCredential;
use azure_storage_blob::{BlobContainerClient, BlobContainerClientOptions};

use super::{Access, StorageAccount, shared_key::SharedKeyPolicy};
use azure_app::identity::client_options;

/// The REST version spoken: every Azurite since 2023 knows it too.
const API_VERSION: &str = "2023-11-03";

/// Opens a container through any client, always with the same credential.
#[derive(Clone)]
pub(super) struct Entrance {
    account: StorageAccount,
    container: String,
    credential: Option<Arc<dyn TokenCredential>>,
}

impl Entrance {
    /// `client` is who asks for tokens.
    pub(super) fn new(
        account: &StorageAccount,
        container: &str,
        client: &reqwest::Client,
    ) -> azure_core::Result<Self> {
        let credential = match &account.access {
            Access::Identity(identity) => Some(identity.credential(client)?),
            Access::Key(_) | Access::Signed => None,
        };
        Ok(Self {
            account: account.clone(),
            container: container.to_owned(),
            credential,
        })
    }

    /// `client` is who sends the requests.
    pub(super) fn open(&self, client: &reqwest::Client) -> azure_core::Result<BlobContainerClient> {
        let mut client_options = client_options(client);
        if let Access::Key(key) = &self.account.access {
            let policy = SharedKeyPolicy::new(key.clone());
            client_options.per_try_policies.push(Arc::new(policy));
        }
        let options = BlobContainerClientOptions {
            client_options,
            version: API_VERSION.to_owned(),
        };
        let url = self.account.container_url(&self.container);
        BlobContainerClient::new(url, self.credential.clone(), Some(options))
    }
}
