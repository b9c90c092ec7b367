//! Who is measured: the function's release binary, and the same job in Node.js and in Python.

use std::ffi::OsStr;
use std::fs::File;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use devstack::blob::ACCOUNT;

use crate::failure::{Failure, doing};
use crate::http::Connection;

/// The longest start that is waited for.
const START_MAX: Duration = Duration::from_secs(60);

/// A custom handler that can be measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contender {
    /// The function: a binary.
    Function(PathBuf),
    /// `benches/peers/node`, installed into this folder.
    Node(PathBuf),
    /// `benches/peers/python`, installed into this folder.
    Python(PathBuf),
}

impl Contender {
    /// How it is called in tables.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Function(_) => "order-items-reserver",
            Self::Node(_) => "Node.js peer",
            Self::Python(_) => "Python peer",
        }
    }

    /// What is deployed: a file or a folder.
    #[must_use]
    pub fn package(&self) -> &Path {
        match self {
            Self::Function(path) | Self::Node(path) | Self::Python(path) => path,
        }
    }

    /// The size of what is deployed, in bytes; the language's own runtime is the platform's.
    ///
    /// # Errors
    /// When it is not there.
    pub fn size(&self) -> Result<u64, Failure> {
        size(self.package()).map_err(doing(format!("measure {}", self.package().display())))
    }

    /// The command that runs it.
    #[must_use]
    pub fn command(&self) -> Command {
        match self {
            Self::Function(binary) => bare(binary),
            Self::Node(folder) => {
                let mut command = bare("node");
                command.arg("handler.js").current_dir(folder);
                command.env("NODE_ENV", "production");
                command
            }
            Self::Python(folder) => {
                let mut command = bare("python3");
                command.arg("handler.py").current_dir(folder);
                command.env("PYTHONPATH", ".python_packages/lib/site-packages");
                command
            }
        }
    }

    /// Starts it against the blob endpoint at `blobs`, and waits for its first answer.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(&self, blobs: SocketAddr) -> Result<Running, Failure> {
        let mut command = self.command();
        // The host reads what its handlers print; here only what went wrong is of use.
        let path = self.package().with_extension("log");
        let log = File::create(&path).map_err(doing(format!("create {}", path.display())))?;
        command.stdout(Stdio::null()).stderr(log);
        Running::start(self.name(), command, blobs)
    }
}

fn size(path: &Path) -> io::Result<u64> {
    let data = fs::symlink_metadata(path)?;
    if !data.is_dir() {
        return Ok(data.len());
    }
    fs::read_dir(path)?
        .map(|entry| size(&entry?.path()))
        .sum::<io::Result<u64>>()
}

/// A command with nothing of our environment but the way to `node` and `python3`: with RUST_BACKTRACE set, say, the
/// Azure SDK takes fifty times as long.
pub fn bare(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

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
    pub fn start(name: &str, mut command: Command, blobs: SocketAddr) -> Result<Self, Failure> {
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

    fn wait(&mut self, name: &str, begun: Instant) -> Result<(), Failure> {
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
                return Err(Failure::unexpected(
                    name,
                    "a handler that serves",
                    status.to_string(),
                ));
            }
            thread::sleep(Duration::from_micros(200));
        }
        Err(Failure::unexpected(
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
    pub fn terminate(mut self) -> Result<(), Failure> {
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

/// Opened with a signed URL: like the managed identity of production, and unlike an account key, it needs no
/// computation for each request. The signature is a placeholder; the endpoint checks none.
fn connection_string(blobs: SocketAddr) -> String {
    format!(
        "BlobEndpoint=http://{blobs}/{ACCOUNT};SharedAccessSignature=sv=2023-11-03&ss=b&srt=co&sp=rwc&se=2099-01-01T00:00:00Z&spr=https,http&sig=c2lnbmF0dXJl;"
    )
}
