//! The outbox: what the shop owes the bus. The page answers when a change is on the disk here.
//!
//! Each session has at most one change waiting, its newest: the guard that writes the files trusts
//! the broker's numbers, so a late retry of an older cart would win over a newer one. One task per
//! waiting session sends, so a session's carts never overtake each other. Between instances the
//! folder sees to it that they do not; what a dead one left is taken over by whoever runs.

mod change;
mod delivery;
mod folder;
mod journal;
mod lock;
mod pace;
mod record;
mod slot;
mod status;
mod tail;
mod takeover;
mod writer;

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, sleep};

use crate::bus::Bus;
use crate::session::{SessionId, Visit};
pub use change::{Age, Change};
use folder::Folder;
pub use journal::Journal;
pub use pace::Pace;
pub use record::Record;
pub use status::{NotAccepted, Status};
use writer::Writer;

/// Sends at the same time, over all sessions.
const SENDERS: usize = 16;

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
    folder: Arc<Folder>,
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
    /// Opens the outbox in `folder` and begins to send what waits there, now and later.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn open(folder: &Path, limit: usize, bus: Bus, pace: Pace) -> io::Result<Self> {
        let mut slot = slot::claim(folder)?;
        slot.take_over();
        let left: Vec<Change> = slot.journal.waiting().cloned().collect();
        let outbox = Self(Arc::new(Shared {
            waiting: Mutex::default(),
            folder: Arc::clone(&slot.folder),
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
        #[expect(clippy::disallowed_methods, reason = "ends with the outbox")]
        tokio::spawn(sweep(Arc::downgrade(&outbox.0), pace));
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
        let position = self.0.writer.put(change.clone()).await;
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

/// Takes over what instances leave that end while this one runs.
async fn sweep(shared: Weak<Shared>, pace: Pace) {
    loop {
        sleep(pace.sweep).await;
        let Some(outbox) = shared.upgrade().map(Outbox) else {
            return;
        };
        for (change, position) in outbox.0.writer.take_over().await {
            outbox.wait_for(change, position);
        }
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, HashMap<SessionId, Waiting>> {
        // No change to the map panics half-way, so what a poisoned lock holds is whole.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
