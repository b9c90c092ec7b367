//! Instances within the test: outboxes with a runtime of their own, so that one can be killed.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use azure_app::http_client;
use petstore::bus::Bus;
use petstore::config::Settings;
use petstore::outbox::{Change, Journal, Outbox, Pace, Record};
use petstore::session::{SessionId, Visit};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};

use super::broker::{Broker, Door, Opening, revisions};
use super::until_blocking;

/// In a hurry.
pub(crate) const PACE: Pace = Pace {
    base: Duration::from_millis(2),
    longest: Duration::from_millis(20),
    refused: Duration::from_millis(20),
    sweep: Duration::from_millis(10),
};

/// Takes over at its start only.
pub(crate) const WITHOUT_SWEEP: Pace = Pace {
    sweep: Duration::from_secs(3600),
    ..PACE
};

#[derive(Debug)]
pub(crate) struct Instance {
    outbox: Outbox,
    pub(crate) door: Door,
    runtime: Runtime,
}

/// The change that makes this the session's newest cart.
pub(crate) fn change(session: &SessionId, revision: u64) -> Change {
    let visit = Visit {
        session: session.clone(),
        revision,
        ..Visit::fresh()
    };
    Change::new(&visit, json!({"revision": revision}).to_string()).unwrap()
}

impl Instance {
    pub(crate) fn start(folder: &Path, broker: &Broker, pace: Pace) -> Self {
        let door = broker.door();
        let settings = Settings::read(&|name| match name {
            "ServiceBusConnection" => Some(broker.connection_string()),
            "ORDERS_QUEUE_NAME" => Some(door.name.clone()),
            _ => None,
        });
        let client = http_client::build("test").unwrap();
        let bus = Bus::new(settings.unwrap().queue, client, Duration::from_secs(10)).unwrap();
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let inside = runtime.enter();
        let outbox = Outbox::open(folder, 1000, bus, pace).unwrap();
        drop(inside);
        Self {
            outbox,
            door,
            runtime,
        }
    }

    pub(crate) fn accept(&self, change: Change) {
        self.runtime.block_on(self.outbox.accept(change)).unwrap();
    }

    pub(crate) fn pending(&self) -> usize {
        self.outbox.status().pending
    }

    /// Nothing it sent arrives any more. Its lock is free soon after.
    pub(crate) fn kill(self) {
        self.door.set(Opening::Shut);
        drop(self.outbox);
        drop(self.runtime);
    }

    /// Nothing waits any more.
    pub(crate) fn delivers(&self) {
        until_blocking("nothing waits", || self.pending() == 0);
    }
}

/// A journal that another instance wrote; it lives as long as the lock is held.
pub(crate) fn journal(folder: &Path, number: u32, records: &[Record]) -> (PathBuf, Option<File>) {
    let lock = File::create(folder.join(format!("{number}.lock"))).unwrap();
    lock.lock().unwrap();
    let path = folder.join(format!("{number}.jsonl"));
    Journal::open(&path).unwrap().append(records).unwrap();
    (path, Some(lock))
}

pub(crate) fn is_free(folder: &Path, number: u32) -> bool {
    let lock = File::open(folder.join(format!("{number}.lock"))).unwrap();
    lock.try_lock().is_ok()
}

pub(crate) fn done(change: &Change) -> Record {
    Record::Done {
        session: change.session.clone(),
        message: change.message.clone(),
    }
}

/// Long enough for everything that waits to have been tried again and again.
pub(crate) fn others_are_delivered(instance: &Instance, broker: &Broker) {
    for _ in 0..30 {
        let other = SessionId::fresh();
        instance.accept(change(&other, 1));
        until_blocking("another session's", || revisions(broker, &other) == [1]);
    }
}
