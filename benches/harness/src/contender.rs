//! Who is measured: the function's release binary, and the same job in Node.js and in Python.

use std::ffi::OsStr;
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{fs, io};

use crate::error::{BenchError, doing};
use crate::running::Running;

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
    pub fn size(&self) -> Result<u64, BenchError> {
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
    pub fn start(&self, blobs: SocketAddr) -> Result<Running, BenchError> {
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

/// A command with nothing of our environment but the way to `node` and `python3`: with
/// RUST_BACKTRACE set, say, the Azure SDK takes five times as long.
pub fn bare(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}
