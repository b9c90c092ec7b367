//! The receivers that hold an AMQP link to the queue: who they are, for people to see, and a way to
//! cut their connections.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use time::OffsetDateTime;
use tokio::sync::Notify;

use super::Queue;

/// A receiver as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receiver {
    /// Of the [`crate::Holder`] of its locks.
    pub id: u64,
    /// The container id by which its client calls itself.
    pub client: String,
    /// The link's name.
    pub link: String,
    pub address: String,
    pub since: OffsetDateTime,
    /// It receives the queue's dead letters.
    pub dead_letters: bool,
    /// It takes messages off the queue at once, and settles nothing.
    pub deletes: bool,
    /// The session that it holds.
    pub session: Option<String>,
    /// It waits until a session is free.
    pub waits_for_session: bool,
    /// Messages that it would still take.
    pub credit: u32,
    /// Messages that it has and has not settled.
    pub unsettled: usize,
}

/// All receivers of a queue.
#[derive(Debug, Default)]
pub(super) struct Receivers {
    open: Arc<Mutex<OpenReceivers>>,
}

#[derive(Debug, Default)]
struct OpenReceivers {
    #[cfg(feature = "amqp")]
    last: u64,
    by_id: BTreeMap<u64, ReceiverEntry>,
}

/// A receiver, and what ends its connection when it is notified.
#[derive(Debug, Clone)]
pub(crate) struct ReceiverEntry {
    pub(crate) receiver: Receiver,
    pub(crate) cut: Arc<Notify>,
}

/// A receiver's place among the others, until this is dropped.
#[cfg(feature = "amqp")]
#[derive(Debug)]
pub(crate) struct Registration {
    pub(crate) id: u64,
    open: Arc<Mutex<OpenReceivers>>,
}

#[cfg(feature = "amqp")]
impl Registration {
    pub(crate) fn update(&self, update: impl FnOnce(&mut Receiver)) {
        if let Some(entry) = lock(&self.open).by_id.get_mut(&self.id) {
            update(&mut entry.receiver);
        }
    }
}

#[cfg(feature = "amqp")]
impl Drop for Registration {
    fn drop(&mut self) {
        lock(&self.open).by_id.remove(&self.id);
    }
}

fn lock(open: &Mutex<OpenReceivers>) -> MutexGuard<'_, OpenReceivers> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Queue {
    /// Gives a receiver its id, and shows it until the registration is dropped.
    #[cfg(feature = "amqp")]
    pub(crate) fn register(&self, mut entry: ReceiverEntry) -> Registration {
        let open = Arc::clone(&self.shared.receivers.open);
        let mut receivers = lock(&open);
        receivers.last += 1;
        let id = receivers.last;
        entry.receiver.id = id;
        receivers.by_id.insert(id, entry);
        drop(receivers);
        Registration { id, open }
    }

    /// Who has a link to receive from the queue or its dead letters, in the order in which they
    /// came.
    #[must_use]
    pub fn receivers(&self) -> Vec<Receiver> {
        let receivers = lock(&self.shared.receivers.open);
        let entries = receivers.by_id.values();
        entries.map(|entry| entry.receiver.clone()).collect()
    }

    /// Cuts the connections of the receivers that `is_meant`, as a network does: without a word.
    /// What they hold waits again. Returns of how many receivers.
    pub fn cut_receivers(&self, is_meant: impl Fn(&Receiver) -> bool) -> usize {
        let receivers = lock(&self.shared.receivers.open);
        let entries = receivers.by_id.values();
        let meant = entries.filter(|entry| is_meant(&entry.receiver));
        meant.map(|entry| entry.cut.notify_one()).count()
    }
}
