//! How a command fails, and the exit code for it.

use std::{io, process::ExitCode};

use order_items_ops::{
    bus::{BusError, TokenError},
    settings::LocalError,
    walk::WalkError,
};
use order_items_reserver::{config::Mistakes, http_client::ClientError, store::azure::SetupError};

/// Something was left, or not found.
pub(crate) const INCOMPLETE: u8 = 1;

/// `EX_USAGE`, `EX_UNAVAILABLE`, `EX_SOFTWARE` and `EX_IOERR` of `sysexits.h`.
const USAGE: u8 = 64;
pub(crate) const UNAVAILABLE: u8 = 69;
const SOFTWARE: u8 = 70;
const IO: u8 = 74;

/// Why a command did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Settings(#[from] Mistakes),
    #[error(transparent)]
    Local(#[from] LocalError),
    #[error(transparent)]
    Storage(#[from] SetupError),
    #[error("fallback: {0}")]
    Fallback(azure_core::Error),
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Bus(#[from] BusError),
    #[error("{0}")]
    Output(#[from] io::Error),
}

impl From<WalkError> for Failure {
    fn from(error: WalkError) -> Self {
        match error {
            WalkError::Bus(error) => Self::Bus(error),
            WalkError::Output(error) => Self::Output(error),
        }
    }
}

impl Failure {
    /// Tells of it on standard error.
    pub(crate) fn report(&self) -> ExitCode {
        if let Self::Output(error) = self
            && error.kind() == io::ErrorKind::BrokenPipe
        {
            // As in `… list | head`: nobody reads on, and nobody is told.
            return ExitCode::SUCCESS;
        }
        eprintln!("order-items-ops: {self}");
        ExitCode::from(match self {
            Self::Settings(_) | Self::Local(_) | Self::Storage(_) | Self::Fallback(_) => USAGE,
            Self::Token(_) | Self::Bus(_) => UNAVAILABLE,
            Self::Client(_) => SOFTWARE,
            Self::Output(_) => IO,
        })
    }
}
