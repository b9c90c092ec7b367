//! How a command fails, and the exit code for it.

use std::io;
use std::process::ExitCode;

use order_items_ops::bus::{BusError, TokenError};
use order_items_ops::local_settings::LocalSettingsError;
use order_items_ops::status::ListingError;
use order_items_ops::walk::WalkError;
use order_items_reserver::azure_app::http_client::ClientError;
use order_items_reserver::azure_app::program::exit;
use order_items_reserver::azure_app::settings::Mistakes;
use order_items_reserver::function::SetupError;

/// Exit code: the command came to its end, and something was left, or not found.
pub(crate) const INCOMPLETE: u8 = 1;

/// Why a command did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    #[error(transparent)]
    Settings(#[from] Mistakes),
    #[error(transparent)]
    LocalSettings(#[from] LocalSettingsError),
    #[error(transparent)]
    Setup(#[from] SetupError),
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Bus(#[from] BusError),
    #[error("the storage: {0}")]
    Listing(#[from] ListingError),
    /// What a person gave is no order, or cannot be read.
    #[error("{0}")]
    NoOrder(String),
    #[error("not confirmed as stored: {0}; run it again")]
    Unconfirmed(String),
    #[error("{0}")]
    Output(#[from] io::Error),
}

impl From<WalkError> for CommandError {
    fn from(error: WalkError) -> Self {
        match error {
            WalkError::Bus(error) => Self::Bus(error),
            WalkError::Output(error) => Self::Output(error),
        }
    }
}

impl CommandError {
    /// Writes it on standard error; the exit code for `main` to return.
    pub(crate) fn report(&self) -> ExitCode {
        if let Self::Output(error) = self
            && error.kind() == io::ErrorKind::BrokenPipe
        {
            // As in `… list | head`: nobody reads on, and nobody is told.
            return ExitCode::SUCCESS;
        }
        eprintln!("order-items-ops: {self}");
        ExitCode::from(match self {
            Self::Settings(_) | Self::LocalSettings(_) => exit::USAGE,
            Self::Setup(error) => error.exit_code(),
            Self::NoOrder(_) => INCOMPLETE,
            Self::Token(_) | Self::Bus(_) | Self::Listing(_) | Self::Unconfirmed(_) => {
                exit::UNAVAILABLE
            }
            Self::Client(_) => exit::SOFTWARE,
            Self::Output(_) => exit::IO,
        })
    }
}
