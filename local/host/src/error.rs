//! Why the host cannot start.

use crate::app::AppError;
use stand_in::ConnectionError;

/// The host cannot start.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// A setting is missing.
    #[error(transparent)]
    App(#[from] AppError),
    /// The trigger's connection is unusable.
    #[error("local.settings.json: Values.{name}: {source}")]
    Connection {
        /// The setting.
        name: String,
        /// What is wrong.
        source: ConnectionError,
    },
    /// No free port on the loopback interface.
    #[error("no free port on 127.0.0.1: {0}")]
    Port(#[from] std::io::Error),
    /// The handler's address cannot be called.
    #[error("the handler's address: expected http://host:port, found {0:?}")]
    HandlerUrl(String),
}
