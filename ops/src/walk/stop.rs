//! Ctrl+C: ends a walk between two letters, so that every lock is given back.

use std::{future, io};

use tokio::signal::unix::{Signal, SignalKind, signal};

/// What may ask a walk to end.
#[derive(Debug)]
pub struct Stop(Option<Signal>);

impl Stop {
    /// Nothing does.
    #[must_use]
    pub fn never() -> Self {
        Self(None)
    }

    /// Ctrl+C does, from now on.
    ///
    /// # Errors
    /// When the system does not let us listen.
    pub fn on_interrupt() -> io::Result<Self> {
        signal(SignalKind::interrupt()).map(|signal| Self(Some(signal)))
    }

    pub(super) async fn asked(&mut self) {
        match &mut self.0 {
            Some(signal) => {
                signal.recv().await;
            }
            None => future::pending().await,
        }
    }
}
