//! Blob Storage through the official SDK: three requests, each sent once.

mod metadata;

use std::fmt;
use std::num::NonZeroUsize;
use std::time::Duration;

use azure_core::http::{Etag, HttpClient};
use azure_storage_blob::BlobContainerClient;
use azure_storage_blob::models::{BlobClientGetPropertiesOptions, BlockBlobClientUploadOptions};
use storage_account::{Container, Failure, StorageAccount, StorageError};

use super::StoreError;
use super::blob::{BlobService, Condition, ETag, Head, PutReply};
use crate::order::{Order, SessionId};

/// A blob that no session has: theirs end in `.json`.
const PROBE: &str = "order-items-reserver-check";

/// One container of one account.
pub struct AzureBlobs {
    container: BlobContainerClient,
    access: Container,
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
        let access = Container::new(account, name, client)?;
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
    pub fn through(
        &self,
        client: &(impl HttpClient + Clone + 'static),
    ) -> azure_core::Result<Self> {
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
            Err(error) => match Failure::from(error) {
                Failure::NoBlob => Ok(true),
                Failure::NoContainer => Ok(false),
                failure => Err(failure.into()),
            },
        }
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        StorageError::from(failure).into()
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
            Err(error) => match Failure::from(error) {
                Failure::Conflict => Ok(PutReply::Conflict),
                Failure::NoContainer => Ok(PutReply::NoContainer),
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
            Err(error) => match Failure::from(error) {
                Failure::NoBlob | Failure::NoContainer => Ok(None),
                failure => Err(failure.into()),
            },
        }
    }

    async fn create_container(&self) -> Result<(), StoreError> {
        match self.container.create(None).await {
            Ok(_) => Ok(()),
            Err(error) => match Failure::from(error) {
                Failure::Conflict => Ok(()),
                failure => Err(failure.into()),
            },
        }
    }
}
