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
use storage_account::{Container, Failure, StorageAccount};
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
        match limited(blob.get_properties(None)).await {
            Ok(_) | Err(Failure::NoBlob) => Ok(true),
            Err(Failure::NoContainer) => Ok(false),
            Err(failure) => Err(failure.into()),
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
        (bytes, content_type): (Bytes, &str),
        expected: Option<&Expected>,
    ) -> Result<Version, Failure> {
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
        let mut answer = limited(upload()).await;
        if matches!(answer, Err(Failure::NoContainer)) {
            match limited(self.0.create(None)).await {
                Ok(_) | Err(Failure::Conflict) => answer = limited(upload()).await,
                Err(failure) => return Err(failure),
            }
        }
        version(answer?.etag)
    }
}

fn version(etag: Option<impl AsRef<str>>) -> Result<Version, Failure> {
    let missing = || Failure::Other(StoreError::Unexpected("a blob without ETag".to_owned()));
    let etag = etag.ok_or_else(missing)?;
    Ok(Version::of_etag(etag.as_ref()))
}

/// An answer of the service, or none in time.
async fn limited<T>(request: impl Future<Output = azure_core::Result<T>>) -> Result<T, Failure> {
    match timeout(REQUEST_TIMEOUT, request).await {
        Ok(answer) => answer.map_err(Failure::from),
        Err(_) => Err(Failure::Other(StoreError::TimedOut(REQUEST_TIMEOUT))),
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
        match limited(Box::pin(download(self.record(name)))).await {
            Ok((bytes, etag)) => Ok(Some(StoredRecord {
                bytes,
                version: version(etag)?,
            })),
            Err(Failure::NoBlob | Failure::NoContainer) => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn write(
        &self,
        name: &RecordName,
        bytes: Vec<u8>,
        expected: &Expected,
    ) -> Result<WriteReply, StoreError> {
        let content = (bytes.into(), "application/json");
        match self.put(&self.record(name), content, Some(expected)).await {
            Ok(version) => Ok(WriteReply::Written(version)),
            // A record that was read and is gone, which is what a lifecycle rule does.
            Err(Failure::Conflict | Failure::NoBlob) => Ok(WriteReply::Refused),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn mark(&self, name: &RecordName) -> Result<Version, StoreError> {
        let content = (Bytes::new(), "text/plain");
        Ok(self.put(&self.marked(name), content, None).await?)
    }

    async fn unmark(&self, name: &RecordName, version: &Version) -> Result<bool, StoreError> {
        let options = BlobClientDeleteOptions {
            if_match: Some(Etag::from(version.etag())),
            timeout: Some(SERVER_TIMEOUT_SECONDS),
            ..BlobClientDeleteOptions::default()
        };
        let blob = self.marked(name);
        match limited(blob.delete(Some(options))).await {
            Ok(_) => Ok(true),
            Err(Failure::Conflict | Failure::NoBlob | Failure::NoContainer) => Ok(false),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn marks(&self) -> Result<Vec<(RecordName, Version)>, StoreError> {
        let options = BlobContainerClientListBlobsOptions {
            prefix: Some(PENDING.to_owned()),
            ..BlobContainerClientListBlobsOptions::default()
        };
        let listing = self.0.list_blobs(Some(options)).map_err(Failure::from)?;
        let mut pages = listing.into_pages();
        let mut marks = Vec::new();
        loop {
            let page = match limited(pages.try_next()).await {
                Ok(Some(page)) => page.into_model().map_err(Failure::from)?,
                Ok(None) | Err(Failure::NoContainer) => return Ok(marks),
                Err(failure) => return Err(failure.into()),
            };
            marks.extend(page.blob_items.into_iter().filter_map(|blob| {
                let name = RecordName::of_text(blob.name?.strip_prefix(PENDING)?)?;
                let etag = blob.properties?.etag?;
                Some((name, Version::of_etag(etag.as_ref())))
            }));
        }
    }
}
