//! The one thread that writes the journal. Changes that arrive together share one fsync.

use std::{io, thread};

use tokio::sync::{mpsc, oneshot};
use tracing::error;

use super::{journal::Record, slot::Slot};

/// The most that one write and one fsync carry.
const BATCH: usize = 512;

struct Command {
    record: Record,
    /// Gets the change's position in the journal, once it is on the disk.
    written: Option<oneshot::Sender<Option<u64>>>,
}

/// Hands records to the thread; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Writer(mpsc::UnboundedSender<Command>);

impl Writer {
    pub(super) fn start(slot: Slot) -> io::Result<Self> {
        let (sender, commands) = mpsc::unbounded_channel();
        thread::Builder::new()
            .name("outbox".to_owned())
            .spawn(move || run(slot, commands))?;
        Ok(Self(sender))
    }

    /// Waits until the record is on the disk; its position, or `None` when the disk refused it.
    pub(super) async fn put(&self, record: Record) -> Option<u64> {
        let (written, position) = oneshot::channel();
        let command = Command {
            record,
            written: Some(written),
        };
        self.0.send(command).ok()?;
        position.await.ok().flatten()
    }

    /// Does not wait.
    pub(super) fn done(&self, record: Record) {
        // Without the thread nothing more is accepted; what it forgets now is only sent again.
        self.0
            .send(Command {
                record,
                written: None,
            })
            .ok();
    }
}

fn run(mut slot: Slot, mut commands: mpsc::UnboundedReceiver<Command>) {
    let mut position = 0;
    while let Some(first) = commands.blocking_recv() {
        let mut batch = vec![first];
        while batch.len() < BATCH
            && let Ok(next) = commands.try_recv()
        {
            batch.push(next);
        }
        let (records, waiters): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .map(|command| (command.record, command.written))
            .unzip();
        let written = slot.journal.append(records);
        if let Err(error) = &written {
            error!(%error, "outbox: the disk takes nothing; changes are refused");
        }
        for waiter in waiters.into_iter().flatten() {
            position += 1;
            // Nobody waits any more when the shopper has gone; the change is accepted all the same.
            waiter.send(written.is_ok().then_some(position)).ok();
        }
    }
}
