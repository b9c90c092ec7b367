//! The outbox: what the shop owes the bus. The page answers when a change is on the disk here.
//!
//! Each session has at most one change waiting, its newest: the guard that writes the files trusts
//! the broker's numbers, so a late retry of an older cart would win over a newer one. One task per
//! waiting session sends, so a session's carts never overtake each other.

mod change;
mod delivery;
mod journal;
mod slot;
mod writer;

use std::{
    collections::HashMap,
    io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, Semaphore},
    time::{Instant, sleep},
};

use change::milliseconds_now;

pub use change::Change;
pub use delivery::Pace;
pub use journal::{Journal, Record};
pub use slot::{Slot, claim};
use writer::Writer;

use crate::{
    bus::Bus,
    session::{SessionId, Visit},
};

/// Sends at the same time, over all sessions.
const SENDERS: usize = 16;

/// How long a page may wait for the bus, in milliseconds after the change: not to be noticed.
const MOMENT: i64 = 150;

/// A change is not accepted, so the cart must not change either.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAccepted {
    /// As many sessions wait as may.
    #[error("the outbox is full")]
    Full,
    /// The disk refuses.
    #[error("the outbox cannot be written")]
    Disk,
}

/// What waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Sessions with a change that the bus does not have yet.
    pub pending: usize,
    /// Age of the oldest of these changes.
    pub oldest: Duration,
}

#[derive(Debug)]
struct Waiting {
    change: Change,
    position: u64,
    /// Another instance accepted a newer one.
    superseded: bool,
}

#[derive(Debug)]
struct Shared {
    waiting: Mutex<HashMap<SessionId, Waiting>>,
    writer: Writer,
    bus: Bus,
    pace: Pace,
    limit: usize,
    permits: Semaphore,
    /// The bus took something: those who back off may try at once.
    taken: Notify,
    /// Nobody sends before: the bus asked for it.
    hold: Mutex<Option<Instant>>,
}

/// The outbox of this instance.
#[derive(Clone, Debug)]
pub struct Outbox(Arc<Shared>);

impl Outbox {
    /// Opens the outbox in `folder` and begins to send what waits there.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn open(folder: &Path, limit: usize, bus: Bus, pace: Pace) -> io::Result<Self> {
        let slot = claim(folder)?;
        let left: Vec<Change> = slot.journal.waiting().cloned().collect();
        let outbox = Self(Arc::new(Shared {
            waiting: Mutex::default(),
            writer: Writer::start(slot)?,
            bus,
            pace,
            limit,
            permits: Semaphore::new(SENDERS),
            taken: Notify::new(),
            hold: Mutex::default(),
        }));
        for change in left {
            outbox.wait_for(change, 0);
        }
        Ok(outbox)
    }

    /// Accepts a change. When it returns, the change is on the disk and will be delivered, unless
    /// a newer one of its session is delivered in its place.
    ///
    /// # Errors
    /// [`NotAccepted`]; the change will not be sent then.
    pub async fn accept(&self, change: Change) -> Result<(), NotAccepted> {
        {
            let waiting = self.0.waiting();
            if waiting.len() >= self.0.limit && !waiting.contains_key(&change.session) {
                return Err(NotAccepted::Full);
            }
        }
        let position = self.0.writer.put(Record::Put(change.clone())).await;
        self.wait_for(change, position.ok_or(NotAccepted::Disk)?);
        Ok(())
    }

    /// Takes note of a visit that a shopper showed: a cart newer than what waits here was accepted
    /// by another instance, which will deliver it, so the older one must not follow it.
    pub fn saw(&self, visit: &Visit) {
        if let Some(waiting) = self.0.waiting().get_mut(&visit.session) {
            waiting.superseded |= waiting.change.revision < visit.revision;
        }
    }

    /// Whether a change of this session still waits here. One that was just made gets a moment:
    /// mostly the bus has it before the shopper's browser asks again.
    pub async fn is_still_pending(&self, session: &SessionId) -> bool {
        loop {
            let accepted = match self.0.waiting().get(session) {
                None => return false,
                Some(waiting) => waiting.change.accepted,
            };
            if milliseconds_now() - accepted > MOMENT {
                return true;
            }
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// How much waits.
    #[must_use]
    pub fn status(&self) -> Status {
        let waiting = self.0.waiting();
        let oldest = waiting
            .values()
            .map(|waiting| waiting.change.accepted)
            .min();
        let age = oldest.map_or(0, |oldest| (milliseconds_now() - oldest).max(0));
        Status {
            pending: waiting.len(),
            oldest: Duration::from_millis(age.unsigned_abs()),
        }
    }

    fn wait_for(&self, change: Change, position: u64) {
        let session = change.session.clone();
        let mut all = self.0.waiting();
        match all.get_mut(&session) {
            // Two at once: the journal decides, as it would after a crash.
            Some(waiting) if waiting.position > position => {}
            Some(waiting) => {
                *waiting = Waiting {
                    change,
                    position,
                    superseded: false,
                }
            }
            None => {
                all.insert(
                    session.clone(),
                    Waiting {
                        change,
                        position,
                        superseded: false,
                    },
                );
                let shared = Arc::clone(&self.0);
                #[expect(
                    clippy::disallowed_methods,
                    reason = "the one task per waiting session"
                )]
                tokio::spawn(async move { shared.deliver(&session).await });
            }
        }
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, HashMap<SessionId, Waiting>> {
        // No change to the map panics half-way, so what a poisoned lock holds is whole.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
