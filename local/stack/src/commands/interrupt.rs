//! The wish to end: Ctrl+C, SIGTERM, or the terminal going away.

use std::io;

/// The exit code then, as shells have it.
pub(crate) const ABORTED: u8 = 130;

/// Takes the signals over from now on, so that none of them ends the process before its handler is
/// gone.
pub(crate) fn listen() -> io::Result<impl Future<Output = ()>> {
    times(1)
}

/// Comes to pass with the second wish: whoever repeats it does not want to wait for an end in
/// order.
pub(crate) fn insisted() -> io::Result<impl Future<Output = ()>> {
    times(2)
}

#[cfg(unix)]
fn times(count: u32) -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    Ok(async move {
        for _ in 0..count {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hang_up.recv() => {}
            }
        }
    })
}

#[cfg(not(unix))]
fn times(count: u32) -> io::Result<impl Future<Output = ()>> {
    Ok(async move {
        for _ in 0..count {
            drop(tokio::signal::ctrl_c().await);
        }
    })
}
