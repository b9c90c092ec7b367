//! A task that takes connections from a listener until it is stopped.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A pause when the system has no file descriptor left for the next connection.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// The running task. Dropping it stops it too, without waiting for the end.
#[derive(Debug)]
pub struct Accepting {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Accepting {
    /// Runs `accept` on `listener`; what it is given beside it ends when it is to stop.
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn start<F>(
        listener: TcpListener,
        accept: impl FnOnce(TcpListener, oneshot::Receiver<()>) -> F,
    ) -> io::Result<Self>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        #[expect(
            clippy::disallowed_methods,
            reason = "the ban guards the product's reservations; this task ends with its owner"
        )]
        let task = tokio::spawn(accept(listener, stopped));
        Ok(Self {
            address,
            stop,
            task,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes the listener and every connection.
    pub async fn stop(self) {
        drop(self.stop);
        // Only a panic in `accept` could be reported here, and the port is closed then as well.
        self.task.await.ok();
    }
}
