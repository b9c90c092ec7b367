//! Why a stack does not start.

use blob::OpenError;
use bus::JournalError;
use host::HostError;
use host::app::AppError;
use logic_app::DefinitionRefused;
use stand_in::ConnectionError;

use crate::ports::PortTaken;

/// The stack cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// A file or setting of the app.
    #[error(transparent)]
    App(#[from] AppError),
    /// A port.
    #[error(transparent)]
    Port(#[from] PortTaken),
    /// The queue's connection string.
    #[error("local.settings.json: Values.ServiceBusConnection: {0}")]
    Connection(#[from] ConnectionError),
    /// The folder of the blobs.
    #[error(transparent)]
    Blobs(#[from] OpenError),
    /// The workflow behind the Logic App.
    #[error(transparent)]
    Workflow(#[from] DefinitionRefused),
    /// The queue's journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Host(#[from] HostError),
    /// A listener without an address.
    #[error("a listener failed: {0}")]
    Listener(#[from] std::io::Error),
}
