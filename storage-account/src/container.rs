//! One container of an account, opened through the SDK.

use std::sync::Arc;

use azure_app::identity::client_options;
use azure_core::credentials::TokenCredential;
use azure_core::http::HttpClient;
use azure_storage_blob::{BlobContainerClient, BlobContainerClientOptions};

use crate::account::{Access, StorageAccount};
use crate::shared_key::SharedKeyPolicy;
use crate::trace::TracePolicy;

/// The REST version spoken: every Azurite since 2023 knows it too.
const API_VERSION: &str = "2023-11-03";

/// How one container is opened: through any client, always with the same credential, so that
/// connections of their own need no token of their own.
#[derive(Clone)]
pub struct Container {
    account: StorageAccount,
    name: String,
    credential: Option<Arc<dyn TokenCredential>>,
}

impl std::fmt::Debug for Container {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Container")
            .field("account", &self.account)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Container {
    /// The container `name` of `account`; `client` is who asks for tokens. Asks nothing of the
    /// network yet.
    ///
    /// # Errors
    /// When this machine offers no such identity.
    pub fn new(
        account: &StorageAccount,
        name: &str,
        client: &reqwest::Client,
    ) -> azure_core::Result<Self> {
        let credential = match &account.access {
            Access::Identity(identity) => Some(identity.credential(client)?),
            Access::Key(_) | Access::Signed => None,
        };
        Ok(Self {
            account: account.clone(),
            name: name.to_owned(),
            credential,
        })
    }

    /// The SDK's client of it, whose requests go through `client`, each once: the SDK's own
    /// retries are off.
    ///
    /// # Errors
    /// When the account's URL is of no use.
    pub fn open(
        &self,
        client: &(impl HttpClient + Clone + 'static),
    ) -> azure_core::Result<BlobContainerClient> {
        let mut client_options = client_options(client);
        client_options.per_try_policies.push(Arc::new(TracePolicy));
        if let Access::Key(key) = &self.account.access {
            let policy = SharedKeyPolicy::new(key.clone());
            client_options.per_try_policies.push(Arc::new(policy));
        }
        let options = BlobContainerClientOptions {
            client_options,
            version: API_VERSION.to_owned(),
        };
        let url = self.account.container_url(&self.name);
        BlobContainerClient::new(url, self.credential.clone(), Some(options))
    }
}
