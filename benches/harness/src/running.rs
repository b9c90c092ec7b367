//! A started handler: its process, where it listens, how long it took to answer.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use blob::ACCOUNT;

use crate::error::{BenchError, doing};
use crate::http::Connection;

/// The longest start that is waited for.
const START_MAX: Duration = Duration::from_secs(60);

/// A started handler; dropping it kills it.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// From just before its process was made to its first answer.
    pub started_in: Duration,
    child: Child,
}

impl Running {
    /// Starts `command` with the settings that every handler here knows.
    ///
    /// # Errors
    /// When it ends, or does not answer.
    pub fn start(name: &str, mut command: Command, blobs: SocketAddr) -> Result<Self, BenchError> {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = free.map_err(doing("find a free port"))?;
        command
            .env("FUNCTIONS_CUSTOMHANDLER_PORT", address.port().to_string())
            .env("OrdersStorage", connection_string(blobs))
            .env("ORDERS_CONTAINER", "orders")
            .env("FALLBACK_URL", format!("http://{blobs}/fallback"))
            .stdin(Stdio::null());
        let begun = Instant::now();
        let child = command.spawn().map_err(doing(format!("start {name}")))?;
        let mut running = Self {
            address,
            started_in: Duration::ZERO,
            child,
        };
        running.wait(name, begun)?;
        running.started_in = begun.elapsed();
        Ok(running)
    }

    fn wait(&mut self, name: &str, begun: Instant) -> Result<(), BenchError> {
        while begun.elapsed() < START_MAX {
            if let Ok(stream) = TcpStream::connect(self.address) {
                let answered = Connection::over(stream).and_then(|mut connection| {
                    connection.send(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")?;
                    connection.receive()
                });
                if let Ok(Some(_)) = answered {
                    return Ok(());
                }
            }
            let ended = self.child.try_wait().map_err(doing("look at a child"))?;
            if let Some(status) = ended {
                return Err(BenchError::unexpected(
                    name,
                    "a handler that serves",
                    status.to_string(),
                ));
            }
            thread::sleep(Duration::from_micros(200));
        }
        Err(BenchError::unexpected(
            name,
            "an answer",
            format!("none in {START_MAX:?}"),
        ))
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end (SIGTERM), and waits.
    ///
    /// # Errors
    /// When there is no `kill`.
    pub fn terminate(mut self) -> Result<(), BenchError> {
        let kill = Command::new("kill").arg(self.pid().to_string()).status();
        kill.map_err(doing("run kill"))?;
        self.child.wait().map_err(doing("wait for a child"))?;
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Opened with a signed URL: like the managed identity of production, and unlike an account key, it
/// needs no computation for each request. The signature is a placeholder; the endpoint checks none.
fn connection_string(blobs: SocketAddr) -> String {
    format!(
        "BlobEndpoint=http://{blobs}/{ACCOUNT};SharedAccessSignature=sv=2023-11-03&ss=b&srt=co&sp=rwc&se=2099-01-01T00:00:00Z&spr=https,http&sig=c2lnbmF0dXJl;"
    )
}
