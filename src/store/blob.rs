//! The write protocol: a conditional overwrite guarded by the broker's numbers. No HTTP in it.
//!
//! Every PUT carries a condition that holds only while the blob is in a state known to be older
//! than the order, so a late ("zombie") PUT of an attempt long given up can never bring an older
//! order back. A refused condition proves nothing by itself: the stored position is read, and
//! only that settles the order. `ARCHITECTURE.md` names the tests that try every interleaving.

mod memory;
mod service;

use tracing::{field, warn};

use super::{OrderStore, Origin, Put, StoreError, Verdict};
use crate::order::Order;
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
    numbers_alone: bool,
}

impl<B: BlobService> BlobStore<B> {
    /// A store that remembers nothing yet.
    #[must_use]
    pub fn new(blobs: B) -> Self {
        Self {
            blobs,
            for_retries: None,
            memory: Memory::default(),
            numbers_alone: false,
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

    /// The same for who cannot be sure of an order's time: what numbers alone do not decide is left
    /// to a person.
    #[must_use]
    pub fn by_numbers_alone(self) -> Self {
        Self {
            numbers_alone: true,
            ..self
        }
    }

    /// What to do about the blob as it is: the condition of the next PUT, or the end.
    fn judge(&self, order: &Order, head: &Head) -> Result<Next, StoreError> {
        if let Origin::Placed { position, .. } = head.stored.origin {
            self.memory
                .learn(&order.session, head.etag.clone(), position);
        }
        let mut verdict = head.stored.judge(order);
        if self.numbers_alone {
            verdict = verdict.by_numbers_alone(order);
        }
        match verdict {
            Verdict::Same => return Ok(Next::End(Put::Stored)),
            Verdict::Superseded(_) => return Ok(Next::End(Put::Superseded)),
            Verdict::Doubtful(doubt) => return Err(StoreError::Contradictory(doubt)),
            Verdict::Renumbered(former) => {
                warn!(session = %order.session, stored = %former, ours = order.position.map(field::display),
                    "the queue numbers its messages anew: overwriting an order of its former life");
            }
            Verdict::AfterForeign => {
                warn!(session = %order.session, modified = head.stored.modified.map(field::display),
                    "overwriting a file that names no place in the queue and is older");
            }
            Verdict::Newer(_) | Verdict::Later(_) | Verdict::Unplaced => {}
        }
        Ok(Next::Write(Condition::Version(head.etag.clone())))
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
        // What was read last, which the next PUT is aimed at.
        let mut shown = match (&next, order.position) {
            (Next::Write(condition), None) => Some(condition.clone()),
            _ => None,
        };
        let mut created = false;
        for _ in 0..ROUNDS_MAX {
            let condition = match next {
                Next::Write(condition) => condition,
                Next::End(put) => return Ok(put),
            };
            next = match blobs.put_blob(order, &condition).await? {
                PutReply::Written(etag) => {
                    self.memory.wrote(order, etag);
                    if order.position.is_none() {
                        warn!(session = %order.session, message_id = order.message_id,
                            "stored an order without a place in the queue: \
                             the session's next one cannot be compared with it");
                    }
                    return Ok(Put::Stored);
                }
                PutReply::Conflict => {
                    let next = self.read(blobs, order).await?;
                    // No version comes back, and no blob is made and deleted again in a moment:
                    // who shows the same before and after refuses a condition that holds. Asking
                    // five times would not change that.
                    if let Next::Write(again) = &next {
                        if shown.as_ref() == Some(again) {
                            return Err(StoreError::ConditionRefused(again.to_string()));
                        }
                        shown = Some(again.clone());
                    }
                    next
                }
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
