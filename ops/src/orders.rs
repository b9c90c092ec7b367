//! `orders`: what is stored for a session, and an order that a person stores.
//!
//! A file saved by hand names no place in the queue, and whatever comes later may go over it.
//! Here it is stored as the function would have, under the same guard.

use std::time::Duration;

use azure_core::error::ErrorKind;
use azure_core::http::StatusCode;
use azure_core::http::headers::HeaderName;
use azure_storage_blob::BlobContainerClient;
use bytes::Bytes;
use order_items_reserver::order::{Order, SessionId};
use order_items_reserver::store::blob::{BlobService, BlobStore, Condition, ETag, PutReply};
use order_items_reserver::store::{OrderStore as _, Put, StoreError};
use percent_encoding::percent_decode_str;
use serde::Serialize;
use tokio::time::timeout;

use crate::status::ListingError;

/// Time limit of reading one order.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// The order that is stored for a session.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredOrder {
    /// Its blob.
    pub blob: String,
    /// The broker's number, as the metadata has it.
    pub sequence_number: Option<String>,
    /// When the broker accepted it.
    pub enqueued_time: Option<String>,
    /// The publisher's id of its message.
    pub message_id: Option<String>,
    /// Since when it is stored.
    pub modified: Option<String>,
    /// Its version, without quotes.
    pub etag: String,
    /// Its length.
    pub bytes: usize,
    /// What is stored.
    #[serde(skip)]
    pub body: Bytes,
}

impl StoredOrder {
    /// Reads it; `None` when nothing is stored.
    ///
    /// # Errors
    /// When the storage cannot be read.
    pub async fn read(
        container: &BlobContainerClient,
        session: &SessionId,
    ) -> Result<Option<Self>, ListingError> {
        let name = session.blob_name().to_string();
        let client = container.blob_client(&name);
        let read = async {
            let answer = client.download(None).await?;
            let body = answer.body.collect().await?;
            Ok::<_, azure_core::Error>((answer.headers, body))
        };
        let read = timeout(READ_TIMEOUT, Box::pin(read)).await;
        let read = read.map_err(|_| ListingError::Unreachable("timed out".to_owned()))?;
        let (headers, body) = match read {
            Ok(read) => read,
            Err(error) => {
                return match error.kind() {
                    ErrorKind::HttpResponse { status, .. } if *status == StatusCode::NotFound => {
                        Ok(None)
                    }
                    _ => Err(error.into()),
                };
            }
        };
        let value = |name: &str| headers.get_optional_string(&HeaderName::from(name.to_owned()));
        let id = value("x-ms-meta-messageid");
        Ok(Some(Self {
            blob: name,
            sequence_number: value("x-ms-meta-sequence"),
            enqueued_time: value("x-ms-meta-enqueued"),
            message_id: id.map(|id| percent_decode_str(&id).decode_utf8_lossy().into_owned()),
            modified: value("last-modified"),
            etag: bare(&value("etag").unwrap_or_default()).to_owned(),
            bytes: body.len(),
            body,
        }))
    }

    /// What is known of it, for people.
    #[must_use]
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        let known = |value: &Option<String>| value.clone().unwrap_or_else(|| "unknown".to_owned());
        vec![
            ("blob", self.blob.clone()),
            ("sequence", known(&self.sequence_number)),
            ("enqueued", known(&self.enqueued_time)),
            ("message id", known(&self.message_id)),
            ("stored since", known(&self.modified)),
            ("bytes", self.bytes.to_string()),
            ("version", self.etag.clone()),
        ]
    }
}

/// What became of an order that a person gave.
#[derive(Debug)]
pub enum Stored {
    /// It is the stored one.
    Yes,
    /// A newer one is stored.
    Superseded,
    /// Nobody but a person can tell which is newer, and nothing was changed; why.
    Doubt(String),
}

/// Stores `order` under the guard, once.
///
/// An order without a place is stored only where nothing is: the guard cannot compare it.
///
/// # Errors
/// When it could not be confirmed.
pub async fn put<B: BlobService>(
    store: &BlobStore<B>,
    order: &Order,
) -> Result<Stored, StoreError> {
    if order.position.is_none() {
        let blobs = store.blobs();
        let mut reply = blobs.put_blob(order, &Condition::Absent).await?;
        if reply == PutReply::NoContainer {
            blobs.create_container().await?;
            reply = blobs.put_blob(order, &Condition::Absent).await?;
        }
        return match reply {
            PutReply::Written(_) => Ok(Stored::Yes),
            PutReply::Conflict => Ok(Stored::Doubt(
                "number and time were not given, so nothing tells whether it is newer".to_owned(),
            )),
            PutReply::NoContainer => Err(StoreError::ContainerVanished),
        };
    }
    match store.put(order).await {
        Ok(Put::Stored) => Ok(Stored::Yes),
        Ok(Put::Superseded) => Ok(Stored::Superseded),
        Err(error @ StoreError::Contradictory { .. }) => Ok(Stored::Doubt(error.to_string())),
        Err(error) => Err(error),
    }
}

/// Stores `order` in place of the version that a person was shown, and of no other.
///
/// # Errors
/// When it could not be confirmed.
pub async fn replace<B: BlobService>(
    blobs: &B,
    order: &Order,
    version: &str,
) -> Result<Stored, StoreError> {
    let condition = Condition::Version(ETag(format!("\"{}\"", bare(version))));
    match blobs.put_blob(order, &condition).await? {
        PutReply::Written(_) => Ok(Stored::Yes),
        PutReply::Conflict | PutReply::NoContainer => Ok(Stored::Doubt(
            "another version than the one to be replaced is stored".to_owned(),
        )),
    }
}

fn bare(etag: &str) -> &str {
    etag.trim_matches('"')
}
