//! What to start, and how.

use std::io;
use std::path::PathBuf;

use blob::{BlobStorage, OpenError};
use bus::{JournalError, Queue, QueueOptions};
use host::app::{FunctionApp, Settings};
use logic_app::mail::Outbox;
use stand_in::Clock;

/// Where the parts listen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Ports {
    /// Where local.settings.json points.
    #[default]
    FromSettings,
    /// On free ports, and the handler's settings follow: for tests and second instances.
    Auto,
}

/// What survives the end of the stack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Keep {
    /// Nothing: for tests.
    #[default]
    InMemory,
    /// What the parts write into this folder, each under a name of its own.
    InFolder(PathBuf),
}

impl Keep {
    pub(super) fn outbox(&self) -> io::Result<Outbox> {
        match self {
            Self::InMemory => Ok(Outbox::in_memory()),
            Self::InFolder(folder) => Outbox::in_folder(folder.join("outbox")),
        }
    }

    /// Where the Logic App keeps what it has accepted.
    pub(super) fn handed_over(&self) -> Option<PathBuf> {
        match self {
            Self::InMemory => None,
            Self::InFolder(folder) => Some(folder.join("handed-over.jsonl")),
        }
    }

    pub(super) fn queue(&self, app: &FunctionApp) -> Result<Queue, JournalError> {
        let options = QueueOptions {
            sessions: app.sessions,
            ..QueueOptions::default()
        };
        match self {
            Self::InMemory => Ok(Queue::new(&app.queue, options, Clock::new())),
            Self::InFolder(folder) => {
                let journal = folder.join("queue.jsonl");
                Queue::open(&app.queue, options, Clock::new(), &journal)
            }
        }
    }

    pub(super) fn blobs(&self) -> Result<BlobStorage, OpenError> {
        match self {
            Self::InMemory => Ok(BlobStorage::default()),
            Self::InFolder(folder) => BlobStorage::open(&folder.join("blobs")),
        }
    }

    /// What the storefront keeps; apart from the orders, as in Azure.
    pub(super) fn shop_blobs(&self) -> Result<BlobStorage, OpenError> {
        match self {
            Self::InMemory => Ok(BlobStorage::default()),
            Self::InFolder(folder) => BlobStorage::open(&folder.join("petstore-blobs")),
        }
    }
}

/// Who is the storage that `OrdersStorage` names, when it is on this machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Storage {
    /// The endpoint of this stack.
    #[default]
    Embedded,
    /// Somebody else, who runs already.
    Elsewhere,
}

/// Who takes the messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Hosting {
    /// The host of this stack, with a handler of its own.
    #[default]
    Embedded,
    /// Another one: it gets [`Stack::host_settings`](crate::Stack::host_settings).
    Elsewhere,
}

/// What to start.
#[derive(Debug, Clone)]
pub struct StackOptions {
    /// The folder of host.json.
    pub root: PathBuf,
    /// Where the parts listen.
    pub ports: Ports,
    /// Replace values of local.settings.json.
    pub overrides: Settings,
    /// What survives the end.
    pub keep: Keep,
    /// Who the storage is.
    pub storage: Storage,
    /// Who the host is.
    pub hosting: Hosting,
}
