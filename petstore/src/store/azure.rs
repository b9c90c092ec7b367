//! The store in Blob Storage, through the official SDK: a record is `<name>.json`, its mark
//! `pending/<name>`. Each request is sent once, and has a time limit of its own.

use std::fmt;
use std::num::NonZeroUsize;
use std::time::Duration;

use azure_core::Bytes;
use azure_core::http::Etag;
use azure_storage_blob::models::{
    BlobClientDeleteOptions, BlobClientDownloadOptions, BlobContainerClientListBlobsOptions,
    BlockBlobClientUploadOptions,
};
use azure_storage_blob::{BlobClient, BlobContainerClient};
use futures::TryStreamExt as _;
use storage_account::{Container, Failure, StorageAccount, StorageError};
use tokio::time::timeout;

use super::{CartStore, Expected, RecordName, StoreError, StoredRecord, Version, WriteReply};
use crate::record::RECORD_MAX;

/// The container.
pub const CONTAINER: &str = "carts";

/// What the names of marks begin with.
const PENDING: &str = "pending/";

/// A record that no shopper has: their names are hexadecimal.
const PROBE: &str = "petstore-check";

/// Time limit of a request: a shopper waits for three of them.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(4);

/// The same for the server, in seconds, so that it gives up on late writes too.
const SERVER_TIMEOUT_SECONDS: i32 = 4;

/// The container of an account.
pub struct AzureCarts(BlobContainerClient);

impl fmt::Debug for AzureCarts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AzureCarts")
            .field("host", &self.0.url().host_str())
            .finish_non_exhaustive()
    }
}

impl AzureCarts {
    /// The container of `account`, reached through `client`. Asks nothing of the network yet.
    ///
    /// # Errors
    /// When the account's URL or credential is of no use.
    pub fn new(account: &StorageAccount, client: &reqwest::Client) -> azure_core::Result<Self> {
        Ok(Self(
            Container::new(account, CONTAINER, client)?.open(client)?,
        ))
    }

    /// Whether the container is there, found out as a record is read.
    ///
    /// # Errors
    /// When the storage cannot be reached, or refuses.
    pub async fn container_exists(&self) -> Result<bool, StoreError> {
        let blob = self.0.blob_client(PROBE);
        match limited(blob.get_properties(None)).await? {
            Ok(_) | Err(Failure::NoBlob) => Ok(true),
            Err(Failure::NoContainer) => Ok(false),
            Err(failure) => Err(StorageError::from(failure).into()),
        }
    }

    fn record(&self, name: &RecordName) -> BlobClient {
        self.0.blob_client(&format!("{name}.json"))
    }

    fn marked(&self, name: &RecordName) -> BlobClient {
        self.0.blob_client(&format!("{PENDING}{name}"))
    }

    /// Puts a blob; a container that is missing is made first, once.
    async fn put(
        &self,
        blob: &BlobClient,
        bytes: Bytes,
        content_type: &str,
        expected: Option<&Expected>,
    ) -> Result<WriteReply, StoreError> {
        let mut options = BlockBlobClientUploadOptions {
            blob_content_type: Some(content_type.to_owned()),
            per_request_timeout: Some(SERVER_TIMEOUT_SECONDS),
            parallel: Some(NonZeroUsize::MIN),
            ..BlockBlobClientUploadOptions::default()
        };
        match expected {
            Some(Expected::Absent) => options.if_none_match = Some(Etag::from("*")),
            Some(Expected::Version(version)) => {
                options.if_match = Some(Etag::from(version.etag()));
            }
            None => {}
        }
        let upload = || {
            let client = blob.block_blob_client();
            let content = bytes.clone().into();
            let options = options.clone();
            Box::pin(async move { client.upload(content, Some(options)).await })
        };
        let mut answer = limited(upload()).await?;
        if matches!(answer, Err(Failure::NoContainer)) {
            self.create_container().await?;
            answer = limited(upload()).await?;
        }
        match answer {
            Ok(written) => {
                let etag = written.etag.ok_or_else(no_etag)?;
                Ok(WriteReply::Written(Version::of_etag(etag.as_ref())))
            }
            // A record that was read and is gone, which is what a lifecycle rule does.
            Err(Failure::Conflict | Failure::NoBlob) => Ok(WriteReply::Refused),
            Err(failure) => Err(StorageError::from(failure).into()),
        }
    }

    async fn create_container(&self) -> Result<(), StoreError> {
        match limited(self.0.create(None)).await? {
            Ok(_) | Err(Failure::Conflict) => Ok(()),
            Err(failure) => Err(StorageError::from(failure).into()),
        }
    }
}

fn no_etag() -> StoreError {
    StorageError::Unexpected("a blob without ETag".to_owned()).into()
}

/// An answer of the service, or none in time.
async fn limited<T>(
    request: impl Future<Output = azure_core::Result<T>>,
) -> Result<Result<T, Failure>, StoreError> {
    match timeout(REQUEST_TIMEOUT, request).await {
        Ok(answer) => Ok(answer.map_err(Failure::from)),
        Err(_) => Err(StoreError::TimedOut(REQUEST_TIMEOUT)),
    }
}

/// The record's bytes, and one more than may be where there are too many.
async fn download(blob: BlobClient) -> azure_core::Result<(Vec<u8>, Option<String>)> {
    let options = BlobClientDownloadOptions {
        parallel: Some(NonZeroUsize::MIN),
        timeout: Some(SERVER_TIMEOUT_SECONDS),
        ..BlobClientDownloadOptions::default()
    };
    let mut answer = blob.download(Some(options)).await?;
    let etag = answer.headers.get_optional_string(&"etag".into());
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.body.try_next().await? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > RECORD_MAX {
            bytes.truncate(RECORD_MAX + 1);
            break;
        }
    }
    Ok((bytes, etag))
}

impl CartStore for AzureCarts {
    async fn read(&self, name: &RecordName) -> Result<Option<StoredRecord>, StoreError> {
        match limited(Box::pin(download(self.record(name)))).await? {
            Ok((bytes, etag)) => Ok(Some(StoredRecord {
                bytes,
                version: Version::of_etag(&etag.ok_or_else(no_etag)?),
            })),
            Err(Failure::NoBlob | Failure::NoContainer) => Ok(None),
            Err(failure) => Err(StorageError::from(failure).into()),
        }
    }

    async fn write(
        &self,
        name: &RecordName,
        bytes: Vec<u8>,
        expected: &Expected,
    ) -> Result<WriteReply, StoreError> {
        let blob = self.record(name);
        self.put(&blob, bytes.into(), "application/json", Some(expected))
            .await
    }

    async fn mark(&self, name: &RecordName) -> Result<Version, StoreError> {
        let blob = self.marked(name);
        match self.put(&blob, Bytes::new(), "text/plain", None).await? {
            WriteReply::Written(version) => Ok(version),
            WriteReply::Refused => Err(StorageError::from(Failure::Conflict).into()),
        }
    }

    async fn unmark(&self, name: &RecordName, version: &Version) -> Result<bool, StoreError> {
        let options = BlobClientDeleteOptions {
            if_match: Some(Etag::from(version.etag())),
            timeout: Some(SERVER_TIMEOUT_SECONDS),
            ..BlobClientDeleteOptions::default()
        };
        let blob = self.marked(name);
        match limited(blob.delete(Some(options))).await? {
            Ok(_) => Ok(true),
            Err(Failure::Conflict | Failure::NoBlob | Failure::NoContainer) => Ok(false),
            Err(failure) => Err(StorageError::from(failure).into()),
        }
    }

    async fn marks(&self) -> Result<Vec<(RecordName, Version)>, StoreError> {
        let options = BlobContainerClientListBlobsOptions {
            prefix: Some(PENDING.to_owned()),
            ..BlobContainerClientListBlobsOptions::default()
        };
        let listing = self.0.list_blobs(Some(options)).map_err(Failure::from);
        let mut pages = listing.map_err(StorageError::from)?.into_pages();
        let mut marks = Vec::new();
        loop {
            let page = match limited(pages.try_next()).await? {
                Ok(Some(page)) => page.into_model().map_err(Failure::from),
                Ok(None) | Err(Failure::NoContainer) => return Ok(marks),
                Err(failure) => Err(failure),
            };
            let page = page.map_err(StorageError::from)?;
            marks.extend(page.blob_items.into_iter().filter_map(|blob| {
                let name = RecordName::of_text(blob.name?.strip_prefix(PENDING)?)?;
                let etag = blob.properties?.etag?;
                Some((name, Version::of_etag(etag.as_ref())))
            }));
        }
    }
}
