//! The write protocol: a conditional overwrite guarded by the broker's numbers. No HTTP in it.
//!
//! Every PUT carries a condition that holds only while the blob is in a state known to be older
//! than the order, so a late ("zombie") PUT of an attempt long given up can never bring an older
//! order back. A refused condition proves nothing by itself: the stored position is read, and
//! only that settles the order. `ARCHITECTURE.md` names the tests that try every interleaving.

mod memory;

use std::future::Future;

use tracing::warn;

use super::{OrderStore, Put, StoreError};
use crate::order::{Order, Position, SessionId, Standing};
use memory::Memory;

/// Rounds of PUT and HEAD within one attempt: as many other writers may come first.
pub const ROUNDS_MAX: usize = 5;

/// A version of a blob, opaque (RFC 9110 §8.8.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ETag(pub String);

/// The state the blob must be in for a PUT to apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// `If-None-Match: *`: there is no such blob.
    Absent,
    /// `If-Match`: it is still this version.
    Version(ETag),
}

/// The answer to a PUT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PutReply {
    /// Applied; the new version, if the answer named it.
    Written(Option<ETag>),
    /// The condition did not hold (409 or 412).
    Conflict,
    /// There is no container yet.
    NoContainer,
}

/// What a HEAD says of the stored blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its version.
    pub etag: ETag,
    /// Position of the order in it, from the metadata that was written with it; `None` for a
    /// blob that somebody else wrote.
    pub position: Option<Position>,
}

/// The few requests that the protocol needs of Blob Storage.
pub trait BlobService: Send + Sync + 'static {
    /// Put Blob with the order's position in the metadata of the same request.
    ///
    /// # Errors
    /// Anything but a clear yes or a refused condition; the PUT may have been applied.
    fn put_blob(
        &self,
        order: &Order,
        condition: &Condition,
    ) -> impl Future<Output = Result<PutReply, StoreError>> + Send;

    /// Get Blob Properties; `None` when there is no blob.
    ///
    /// # Errors
    /// Anything but a clear answer.
    fn head_blob(
        &self,
        session: &SessionId,
    ) -> impl Future<Output = Result<Option<Head>, StoreError>> + Send;

    /// Create Container; one that exists is a success.
    ///
    /// # Errors
    /// Anything else.
    fn create_container(&self) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Keeps each session's newest order in its blob.
#[derive(Debug)]
pub struct BlobStore<B> {
    blobs: B,
    memory: Memory,
}

impl<B: BlobService> BlobStore<B> {
    /// A store that remembers nothing yet.
    #[must_use]
    pub fn new(blobs: B) -> Self {
        Self {
            blobs,
            memory: Memory::default(),
        }
    }

    /// What to do about the blob as it is: the condition of the next PUT, or the end.
    fn judge(&self, order: &Order, stored: &Head) -> Result<Next, StoreError> {
        let overwrite = Next::Write(Condition::Version(stored.etag.clone()));
        let (Some(ours), Some(theirs)) = (order.position, stored.position) else {
            return Ok(overwrite);
        };
        self.memory
            .learn(&order.session, stored.etag.clone(), theirs);
        match ours.against(theirs) {
            Standing::Newer => Ok(overwrite),
            Standing::Same => Ok(Next::End(Put::Stored)),
            Standing::Superseded => Ok(Next::End(Put::Superseded)),
            Standing::Renumbered => {
                warn!(session = %order.session, stored = %theirs, ours = %ours,
                    "the queue numbers its messages anew: overwriting an order of its former life");
                Ok(overwrite)
            }
            Standing::Contradictory => Err(StoreError::Contradictory {
                stored: theirs,
                ours,
            }),
        }
    }

    async fn read(&self, order: &Order) -> Result<Next, StoreError> {
        match self.blobs.head_blob(&order.session).await? {
            Some(stored) => self.judge(order, &stored),
            None => Ok(Next::Write(Condition::Absent)),
        }
    }

    /// Where to aim the first PUT: from memory, if it knows of an older order; without a number
    /// of our own only reading tells.
    async fn aim(&self, order: &Order) -> Result<Next, StoreError> {
        match order.position {
            Some(ours) => Ok(Next::Write(self.memory.aim(&order.session, ours))),
            None => self.read(order).await,
        }
    }
}

enum Next {
    Write(Condition),
    End(Put),
}

impl<B: BlobService> OrderStore for BlobStore<B> {
    async fn put(&self, order: &Order) -> Result<Put, StoreError> {
        let mut next = self.aim(order).await?;
        let mut created = false;
        for _ in 0..ROUNDS_MAX {
            let condition = match next {
                Next::Write(condition) => condition,
                Next::End(put) => return Ok(put),
            };
            next = match self.blobs.put_blob(order, &condition).await? {
                PutReply::Written(etag) => {
                    self.memory.wrote(order, etag);
                    return Ok(Put::Stored);
                }
                PutReply::Conflict => self.read(order).await?,
                PutReply::NoContainer if created => return Err(StoreError::ContainerVanished),
                PutReply::NoContainer => {
                    let creation = self.blobs.create_container().await;
                    creation.map_err(|error| StoreError::NoContainer(Box::new(error)))?;
                    created = true;
                    Next::Write(Condition::Absent)
                }
            };
        }
        match next {
            Next::End(put) => Ok(put),
            Next::Write(_) => Err(StoreError::Contended(ROUNDS_MAX)),
        }
    }
}
