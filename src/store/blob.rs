//! The write protocol: a conditional overwrite guarded by the broker's numbers. No HTTP in it.
//!
//! Every PUT carries a condition that holds only while the blob is in a state known to be older
//! than the order, so a late ("zombie") PUT of an attempt long given up can never bring an older
//! order back. A refused condition proves nothing by itself: the stored position is read, and
//! only that settles the order. `ARCHITECTURE.md` names the tests that try every interleaving.

mod memory;
mod service;

use tracing::warn;

use super::{OrderStore, Put, StoreError};
use crate::order::{Order, Standing};
use memory::Memory;

pub use service::{BlobService, Condition, ETag, Head, PutReply};

/// Rounds of PUT and HEAD within one attempt: as many other writers may come first.
pub const ROUNDS_MAX: usize = 5;

/// Keeps each session's newest order in its blob.
#[derive(Debug)]
pub struct BlobStore<B> {
    blobs: B,
    for_retries: Option<B>,
    memory: Memory,
}

impl<B: BlobService> BlobStore<B> {
    /// A store that remembers nothing yet.
    #[must_use]
    pub fn new(blobs: B) -> Self {
        Self {
            blobs,
            for_retries: None,
            memory: Memory::default(),
        }
    }

    /// Retries go through `blobs`: the same container, over connections of its own.
    #[must_use]
    pub fn retrying_through(self, blobs: B) -> Self {
        Self {
            for_retries: Some(blobs),
            ..self
        }
    }

    /// The container, for what no order needs, such as a listing.
    #[must_use]
    pub fn blobs(&self) -> &B {
        &self.blobs
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

    async fn read(&self, blobs: &B, order: &Order) -> Result<Next, StoreError> {
        match blobs.head_blob(&order.session).await? {
            Some(stored) => self.judge(order, &stored),
            None => Ok(Next::Write(Condition::Absent)),
        }
    }

    /// Where to aim the first PUT: from memory, if it knows of an older order; without a number
    /// of our own only reading tells.
    async fn aim(&self, blobs: &B, order: &Order) -> Result<Next, StoreError> {
        match order.position {
            Some(ours) => Ok(Next::Write(self.memory.aim(&order.session, ours))),
            None => self.read(blobs, order).await,
        }
    }

    async fn write(&self, blobs: &B, order: &Order) -> Result<Put, StoreError> {
        let mut next = self.aim(blobs, order).await?;
        let mut created = false;
        for _ in 0..ROUNDS_MAX {
            let condition = match next {
                Next::Write(condition) => condition,
                Next::End(put) => return Ok(put),
            };
            next = match blobs.put_blob(order, &condition).await? {
                PutReply::Written(etag) => {
                    self.memory.wrote(order, etag);
                    return Ok(Put::Stored);
                }
                PutReply::Conflict => self.read(blobs, order).await?,
                PutReply::NoContainer if created => return Err(StoreError::ContainerVanished),
                PutReply::NoContainer => {
                    let creation = blobs.create_container().await;
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

enum Next {
    Write(Condition),
    End(Put),
}

impl<B: BlobService> OrderStore for BlobStore<B> {
    async fn put(&self, order: &Order) -> Result<Put, StoreError> {
        self.write(&self.blobs, order).await
    }

    async fn put_again(&self, order: &Order) -> Result<Put, StoreError> {
        let blobs = self.for_retries.as_ref().unwrap_or(&self.blobs);
        self.write(blobs, order).await
    }
}
