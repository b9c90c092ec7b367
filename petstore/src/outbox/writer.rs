//! The one thread that writes the journal. Changes that arrive together share one fsync.

use std::{io, mem, thread};

use tokio::sync::{mpsc, oneshot};
use tracing::error;

use super::change::Change;
use super::record::Record;
use super::slot::Slot;

/// The most that one write and one fsync carry.
const BATCH: usize = 512;

enum Command {
    /// Tells the change's position in the journal, once it is on the disk.
    Put(Change, oneshot::Sender<Option<u64>>),
    Done(Record),
    /// Tells what was taken over, with its positions.
    TakeOver(oneshot::Sender<Vec<(Change, u64)>>),
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

    /// Waits until the change is on the disk; its position, or `None` when the disk refused it.
    pub(super) async fn put(&self, change: Change) -> Option<u64> {
        let (written, position) = oneshot::channel();
        self.0.send(Command::Put(change, written)).ok()?;
        position.await.ok().flatten()
    }

    /// Does not wait.
    pub(super) fn done(&self, change: &Change) {
        let record = Record::Done {
            session: change.session.clone(),
            message: change.message.clone(),
        };
        // Without the thread nothing more is accepted; what it forgets now is only sent again.
        self.0.send(Command::Done(record)).ok();
    }

    /// What dead instances left, on our disk by now, with its positions.
    pub(super) async fn take_over(&self) -> Vec<(Change, u64)> {
        let (taken, changes) = oneshot::channel();
        self.0.send(Command::TakeOver(taken)).ok();
        changes.await.unwrap_or_default()
    }
}

fn run(mut slot: Slot, mut commands: mpsc::UnboundedReceiver<Command>) {
    let mut position = 0;
    let mut owed = Vec::new();
    while let Some(first) = commands.blocking_recv() {
        let mut batch = vec![first];
        while batch.len() < BATCH
            && let Ok(next) = commands.try_recv()
        {
            batch.push(next);
        }
        let mut records = mem::take(&mut owed);
        let (mut waiters, mut sweepers) = (Vec::new(), Vec::new());
        for command in batch {
            match command {
                Command::Put(change, waiter) => {
                    records.push(Record::Put(change));
                    waiters.push(waiter);
                }
                Command::Done(record) => records.push(record),
                Command::TakeOver(sweeper) => sweepers.push(sweeper),
            }
        }
        let written = slot.append(&records);
        if let Err(error) = &written {
            error!(%error, "outbox: the disk takes nothing; changes are refused");
            // Another instance may wait for the word that something is delivered.
            records.retain(|record| matches!(record, Record::Done { .. }));
            owed = records;
        }
        for waiter in waiters {
            position += 1;
            // Nobody waits any more when the shopper has gone; the change is accepted all the same.
            waiter.send(written.is_ok().then_some(position)).ok();
        }
        for sweeper in sweepers {
            let taken = slot.take_over().into_iter().map(|change| {
                position += 1;
                (change, position)
            });
            sweeper.send(taken.collect()).ok();
        }
    }
}
