//! Why the host cannot start.

use stand_in::ConnectionError;

use crate::app::AppError;

#[derive(Debug, thiserror::Error)]
pub enum HostError {
    #[error(transparent)]
    App(#[from] AppError),
    /// The trigger's connection is unusable.
    #[error("local.settings.json: Values.{name}: {source}")]
    Connection {
        name: String,
        source: ConnectionError,
    },
    /// No free port on the loopback interface.
    #[error("no free port on 127.0.0.1: {0}")]
    Port(#[from] std::io::Error),
    /// The handler's address cannot be called.
    #[error("the handler's address: expected http://host:port, found {0:?}")]
    HandlerUrl(String),
}
