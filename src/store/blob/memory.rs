//! What this process knows of the stored blobs: only ever good enough to aim a write.
//!
//! A wrong entry costs a HEAD. It is used only where it is older than the order at hand: aiming
//! at a newer one would let a straggler overwrite its successor.

use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lru::LruCache;

use super::{Condition, ETag};
use crate::order::{Order, Position, SessionId, Standing};

/// Sessions remembered: about 1 MB.
const SESSIONS_MAX: NonZeroUsize = NonZeroUsize::MIN.saturating_add(4095);

#[derive(Debug)]
pub(super) struct Memory(Mutex<LruCache<SessionId, (ETag, Position)>>);

impl Default for Memory {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(SESSIONS_MAX)))
    }
}

impl Memory {
    /// The condition for a first PUT of an order at `ours`.
    pub(super) fn aim(&self, session: &SessionId, ours: Position) -> Condition {
        match self.entries().get(session) {
            Some((etag, known)) if ours.against(*known) == Standing::Newer => {
                Condition::Version(etag.clone())
            }
            _ => Condition::Absent,
        }
    }

    pub(super) fn learn(&self, session: &SessionId, etag: ETag, position: Position) {
        self.entries().put(session.clone(), (etag, position));
    }

    /// After our own write. Without version or number there is nothing to aim at any more.
    pub(super) fn wrote(&self, order: &Order, etag: Option<ETag>) {
        match (etag, order.position) {
            (Some(etag), Some(position)) => self.learn(&order.session, etag, position),
            _ => {
                self.entries().pop(&order.session);
            }
        }
    }

    /// A panic elsewhere cannot leave an entry half written.
    fn entries(&self) -> MutexGuard<'_, LruCache<SessionId, (ETag, Position)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
