//! Blob Storage through the official SDK: three requests, each sent once.

mod account;
mod failure;
mod metadata;
mod shared_key;

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use azure_app::identity::client_options;
use azure_core::credentials::TokenCredential;
use azure_core::http::Etag;
use azure_storage_blob::models::{BlobClientGetPropertiesOptions, BlockBlobClientUploadOptions};
use azure_storage_blob::{BlobContainerClient, BlobContainerClientOptions};

use super::StoreError;
use super::blob::{BlobService, Condition, ETag, Head, PutReply};
use crate::order::{Order, SessionId};
pub use account::{Access, AccountError, Grant, StorageAccount};
use failure::BlobFailure;
pub use shared_key::AccountKey;
use shared_key::SharedKeyPolicy;

/// The REST version spoken: every Azurite since 2023 knows it too.
const API_VERSION: &str = "2023-11-03";

/// A blob that no session has: theirs end in `.json`.
const PROBE: &str = "order-items-reserver-check";

/// One container of one account.
pub struct AzureBlobs {
    container: BlobContainerClient,
    access: ContainerAccess,
    server_timeout_secs: i32,
}

impl fmt::Debug for AzureBlobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.container.url();
        f.debug_struct("AzureBlobs")
            .field("host", &url.host_str())
            .finish_non_exhaustive()
    }
}

impl AzureBlobs {
    /// The container `name` of `account`, reached through `client`. Asks nothing of the network.
    /// `attempt_timeout` is passed on to the server, so that it too gives up on late writes.
    ///
    /// # Errors
    /// When the account's URL or credential is of no use.
    pub fn new(
        account: &StorageAccount,
        name: &str,
        client: &reqwest::Client,
        attempt_timeout: Duration,
    ) -> azure_core::Result<Self> {
        let access = ContainerAccess::new(account, name, client)?;
        let server_timeout_secs = attempt_timeout.as_secs().clamp(1, 3600);
        Ok(Self {
            container: access.open(client)?,
            access,
            server_timeout_secs: server_timeout_secs.try_into().unwrap_or(1),
        })
    }

    /// The same container with the same credential, through another client.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn through(&self, client: &reqwest::Client) -> azure_core::Result<Self> {
        Ok(Self {
            container: self.access.open(client)?,
            access: self.access.clone(),
            server_timeout_secs: self.server_timeout_secs,
        })
    }

    /// The SDK's client of the container, for what no order needs, such as a listing.
    #[must_use]
    pub fn client(&self) -> &BlobContainerClient {
        &self.container
    }

    /// Whether the container is there, found out as the function reads: by asking for a blob, one
    /// whose name no session has. A signature for one container lets nobody read its properties.
    ///
    /// # Errors
    /// When the storage cannot be reached, or refuses.
    pub async fn container_exists(&self) -> Result<bool, StoreError> {
        match self.container.blob_client(PROBE).get_properties(None).await {
            Ok(_) => Ok(true),
            Err(error) => match BlobFailure::from(error) {
                BlobFailure::NoBlob => Ok(true),
                BlobFailure::NoContainer => Ok(false),
                failure => Err(failure.into()),
            },
        }
    }
}

/// How one container is opened: through any client, always with the same credential, so that the
/// connections for retries need no token of their own.
#[derive(Clone)]
struct ContainerAccess {
    account: StorageAccount,
    container: String,
    credential: Option<Arc<dyn TokenCredential>>,
}

impl ContainerAccess {
    /// `client` is who asks for tokens.
    fn new(
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
    fn open(&self, client: &reqwest::Client) -> azure_core::Result<BlobContainerClient> {
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

impl BlobService for AzureBlobs {
    async fn put_blob(&self, order: &Order, condition: &Condition) -> Result<PutReply, StoreError> {
        let blob = self
            .container
            .blob_client(order.session.blob_name().as_str());
        let mut options = BlockBlobClientUploadOptions {
            blob_content_type: Some("application/json".to_owned()),
            metadata: Some(metadata::from_order(order)),
            per_request_timeout: Some(self.server_timeout_secs),
            parallel: Some(NonZeroUsize::MIN),
            ..BlockBlobClientUploadOptions::default()
        };
        match condition {
            Condition::Absent => options.if_none_match = Some(Etag::from("*")),
            Condition::Version(etag) => options.if_match = Some(Etag::from(etag.0.as_str())),
        }
        match Box::pin(
            blob.block_blob_client()
                .upload(order.body.clone().into(), Some(options)),
        )
        .await
        {
            Ok(written) => Ok(PutReply::Written(
                written.etag.map(|etag| ETag(etag.to_string())),
            )),
            Err(error) => match BlobFailure::from(error) {
                BlobFailure::Conflict => Ok(PutReply::Conflict),
                BlobFailure::NoContainer => Ok(PutReply::NoContainer),
                failure => Err(failure.into()),
            },
        }
    }

    async fn head_blob(&self, session: &SessionId) -> Result<Option<Head>, StoreError> {
        let blob = self.container.blob_client(session.blob_name().as_str());
        let options = BlobClientGetPropertiesOptions {
            timeout: Some(self.server_timeout_secs),
            ..BlobClientGetPropertiesOptions::default()
        };
        match blob.get_properties(Some(options)).await {
            Ok(properties) => metadata::to_head(properties.headers()).map(Some),
            Err(error) => match BlobFailure::from(error) {
                BlobFailure::NoBlob | BlobFailure::NoContainer => Ok(None),
                failure => Err(failure.into()),
            },
        }
    }

    async fn create_container(&self) -> Result<(), StoreError> {
        match self.container.create(None).await {
            Ok(_) => Ok(()),
            Err(error) => match BlobFailure::from(error) {
                BlobFailure::Conflict => Ok(()),
                failure => Err(failure.into()),
            },
        }
    }
}
