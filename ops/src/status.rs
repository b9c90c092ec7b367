//! `status`: how many messages are where, and the newest orders in the container.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::io::Write;
use std::time::Duration;

use azure_core::error::ErrorKind;
use azure_storage_blob::BlobContainerClient;
use azure_storage_blob::models::{
    BlobContainerClientListBlobsOptions, BlobItem, ListBlobsIncludeItem,
};
use futures::TryStreamExt as _;
use order_items_reserver::azure_app::http_client::root_cause;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::timeout;

use crate::text::{Progress, Table};

/// Time limit of one page of a listing.
const PAGE_TIMEOUT: Duration = Duration::from_secs(60);

/// An order's blob, as far as a listing tells.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListedBlob {
    modified: OffsetDateTime,
    name: String,
    sequence: String,
    enqueued: String,
    bytes: u64,
}

/// The newest blobs, and how many there are at all.
#[derive(Debug)]
pub struct NewestBlobs {
    /// The newest first.
    pub blobs: Vec<ListedBlob>,
    /// All blobs of the container.
    pub total: usize,
}

/// Why the container cannot be listed.
#[derive(Debug, thiserror::Error)]
pub enum ListingError {
    /// The storage answered, but not with a listing.
    #[error("the storage answers {status}{}", code.as_deref().map(|code| format!(" {code}")).unwrap_or_default())]
    Refused {
        /// HTTP status.
        status: u16,
        /// `x-ms-error-code`.
        code: Option<String>,
    },
    /// No answer.
    #[error("the storage cannot be read: {0}")]
    Unreachable(String),
}

impl From<azure_core::Error> for ListingError {
    fn from(error: azure_core::Error) -> Self {
        match error.kind() {
            ErrorKind::HttpResponse {
                status, error_code, ..
            } => Self::Refused {
                status: (*status).into(),
                code: error_code.clone(),
            },
            _ => Self::Unreachable(root_cause(&error)),
        }
    }
}

/// Lists the whole container, for the service sorts by name only, and keeps the newest `limit`.
///
/// # Errors
/// When the container cannot be listed.
pub async fn newest(
    container: &BlobContainerClient,
    limit: usize,
    mut progress: Progress,
) -> Result<NewestBlobs, ListingError> {
    let options = BlobContainerClientListBlobsOptions {
        include: Some(vec![ListBlobsIncludeItem::Metadata]),
        ..BlobContainerClientListBlobsOptions::default()
    };
    let mut pages = container.list_blobs(Some(options))?.into_pages();
    let mut newest = BinaryHeap::new();
    let mut total = 0;
    loop {
        let page = timeout(PAGE_TIMEOUT, pages.try_next()).await;
        let page = page.map_err(|_| ListingError::Unreachable("timed out".to_owned()))??;
        let Some(page) = page else {
            break;
        };
        for item in page.into_model()?.blob_items {
            total += 1;
            newest.push(Reverse(ListedBlob::from(item)));
            if newest.len() > limit {
                newest.pop();
            }
        }
        progress.at(total);
    }
    progress.end();
    let blobs = newest.into_sorted_vec().into_iter();
    Ok(NewestBlobs {
        blobs: blobs.map(|Reverse(listed)| listed).collect(),
        total,
    })
}

impl From<BlobItem> for ListedBlob {
    fn from(item: BlobItem) -> Self {
        let properties = item.properties.unwrap_or_default();
        let mut metadata = item.metadata.and_then(|it| it.values).unwrap_or_default();
        let mut value = |name| metadata.remove(name).unwrap_or_default();
        Self {
            sequence: value("sequence"),
            enqueued: value("enqueued"),
            modified: properties
                .last_modified
                .unwrap_or(OffsetDateTime::UNIX_EPOCH),
            bytes: properties.content_length.unwrap_or(0),
            name: item.name.unwrap_or_default(),
        }
    }
}

impl NewestBlobs {
    /// Writes them for programs: the container with its count, then one order a line.
    ///
    /// # Errors
    /// When `out` does not take it.
    pub fn write_json(self, container: &str, out: &mut dyn Write) -> io::Result<()> {
        let line = serde_json::json!({"container": container, "orders": self.total});
        writeln!(out, "{line}")?;
        for blob in self.blobs {
            let modified = blob.modified.format(&Rfc3339).unwrap_or_default();
            let some = |text: String| Some(text).filter(|text| !text.is_empty());
            let line = serde_json::json!({
                "blob": blob.name,
                "modified": modified,
                "sequenceNumber": blob.sequence.parse::<u64>().ok(),
                "enqueuedTime": some(blob.enqueued),
                "bytes": blob.bytes,
            });
            writeln!(out, "{line}")?;
        }
        Ok(())
    }

    /// Writes them as a table.
    ///
    /// # Errors
    /// When `out` does not take it.
    pub fn write(self, container: &str, out: &mut dyn Write) -> io::Result<()> {
        let heading = ["MODIFIED", "SEQUENCE", "ENQUEUED", "BYTES", "BLOB"];
        let mut table = Table::new(&heading);
        let (shown, total) = (self.blobs.len(), self.total);
        for blob in self.blobs {
            let modified = blob.modified.format(&Rfc3339).unwrap_or_default();
            let bytes = blob.bytes.to_string();
            table.row([modified, blob.sequence, blob.enqueued, bytes, blob.name]);
        }
        let orders = if total == 1 { "order" } else { "orders" };
        writeln!(out, "container {container}: {total} {orders}")?;
        if shown > 0 {
            writeln!(out, "newest {shown}:")?;
            for line in table.lines() {
                writeln!(out, "  {line}")?;
            }
        }
        Ok(())
    }
}
