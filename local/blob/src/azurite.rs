//! A real Azurite in place of the endpoint built in, installed by npm from a package with a lock
//! file.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use std::{fs, io};

use stand_in::programs;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::account::Account;

/// Ends with its standard input, which is ours to close: when this process ends, however it
/// ends, so does Azurite.
const WRAPPER: &str = "
    process.stdin.on('close', () => process.exit(0)).resume();
    process.argv = [process.argv[0], 'azurite-blob', ...process.argv.slice(1)];
    require(process.cwd() + '/node_modules/azurite/dist/src/blob/main.js');
";

/// In front of the address in the line that it prints when it is ready.
const READY: &str = "successfully listens on ";

const START_MAX: Duration = Duration::from_secs(60);

/// For what it has not written yet, when it is told to end.
const END_MAX: Duration = Duration::from_secs(5);

/// Which Azurite, and where.
#[derive(Debug, Clone)]
pub struct AzuriteOptions {
    /// The folder with its `package.json` and `package-lock.json`.
    pub package: PathBuf,
    /// Where it is installed, in a folder of its own.
    pub installed: PathBuf,
    /// The port; 0 for any free one.
    pub port: u16,
    /// Where it keeps the blobs; `None` for in memory.
    pub data: Option<PathBuf>,
}

/// A running Azurite. Dropping it kills it.
#[derive(Debug)]
pub struct Azurite {
    /// Of all its accounts.
    address: String,
    url: String,
    process: Child,
    _lines: JoinSet<()>,
}

impl Azurite {
    /// Installs it when it is not there, and starts it.
    ///
    /// # Errors
    /// [`AzuriteError`] when npm or Node.js is missing, or one of them fails.
    pub async fn start(options: &AzuriteOptions) -> Result<Self, AzuriteError> {
        let home = install(&options.package, &options.installed).await?;
        let missing = |source| AzuriteError::Missing {
            program: "node",
            source,
        };
        let mut process = command(options, &home).spawn().map_err(missing)?;
        let (address, lines) = address(&mut process, options.port).await?;
        Ok(Self {
            url: format!("{address}/{}", Account::ORDERS.name),
            address,
            process,
            _lines: lines,
        })
    }

    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Opened with its well-known key.
    #[must_use]
    pub fn connection_string(&self) -> String {
        Account::ORDERS.connection_string(&self.url)
    }

    /// The storefront's account.
    #[must_use]
    pub fn petstore_connection_string(&self) -> String {
        let account = Account::PETSTORE;
        account.connection_string(&format!("{}/{}", self.address, account.name))
    }

    /// Ends it, and waits.
    pub async fn stop(mut self) {
        drop(self.process.stdin.take());
        if timeout(END_MAX, self.process.wait()).await.is_err() {
            // An error means that it has ended already.
            self.process.kill().await.ok();
        }
    }
}

fn command(options: &AzuriteOptions, home: &Path) -> Command {
    let port = options.port.to_string();
    let mut command = Command::new("node");
    command
        .args(["-e", WRAPPER, "--", "--silent", "--disableTelemetry"])
        .args(["--blobHost", "127.0.0.1", "--blobPort", &port]);
    match &options.data {
        Some(data) => command.arg("--location").arg(data),
        None => command.arg("--inMemoryPersistence"),
    };
    // Once it is told of any account, it knows no other.
    let accounts = [Account::ORDERS, Account::PETSTORE]
        .map(|Account { name, key, .. }| format!("{name}:{key}"));
    command.env("AZURITE_ACCOUNTS", accounts.join(";"));
    command.current_dir(home);
    programs::attach(&mut command);
    command
}

/// Waits for the line with the address; then somebody reads on, so that Azurite never waits for a
/// reader.
async fn address(process: &mut Child, port: u16) -> Result<(String, JoinSet<()>), AzuriteError> {
    let mut lines = JoinSet::new();
    let (sender, mut said) = mpsc::unbounded_channel();
    if let Some(stdout) = process.stdout.take() {
        lines.spawn(forward(stdout, sender.clone()));
    }
    if let Some(stderr) = process.stderr.take() {
        lines.spawn(forward(stderr, sender));
    }
    let mut words = Vec::new();
    let found = async {
        while let Some(line) = said.recv().await {
            if let Some((_, address)) = line.split_once(READY) {
                return Some(address.trim().to_owned());
            }
            words.push(line);
        }
        None
    };
    let found = timeout(START_MAX, found).await.ok().flatten();
    match found {
        Some(address) => Ok((address, lines)),
        None => Err(AzuriteError::NotStarted {
            port,
            said: words.join("\n"),
        }),
    }
}

async fn forward(stream: impl AsyncRead + Unpin, said: mpsc::UnboundedSender<String>) {
    let mut lines = BufReader::new(stream).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        // An error means that nobody listens any more.
        said.send(line).ok();
    }
}

/// Installs Azurite, and gives its folder. Each version of the lock file has a folder of its own:
/// it is complete or not there, and nothing is replaced under a process that uses it. It is made
/// beside its place and moved there: several processes may do this at once.
async fn install(package: &Path, installed: &Path) -> Result<PathBuf, AzuriteError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| AzuriteError::Io { path, source }
    };
    let lock = package.join("package-lock.json");
    let mut hasher = DefaultHasher::new();
    fs::read(&lock).map_err(failed(&lock))?.hash(&mut hasher);
    let home = installed.join(format!("{:016x}", hasher.finish()));
    if home.exists() {
        return Ok(home);
    }
    let beside = home.with_extension(std::process::id().to_string());
    fs::create_dir_all(&beside).map_err(failed(&beside))?;
    for file in ["package.json", "package-lock.json"] {
        fs::copy(package.join(file), beside.join(file)).map_err(failed(&package.join(file)))?;
    }
    if let Err(error) = npm_ci(&beside).await {
        fs::remove_dir_all(&beside).ok();
        return Err(error);
    }
    if fs::rename(&beside, &home).is_err() {
        // Another process was faster, with the same.
        fs::remove_dir_all(&beside).ok();
    }
    Ok(home)
}

async fn npm_ci(folder: &Path) -> Result<(), AzuriteError> {
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let npm = Command::new(npm)
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = npm.await.map_err(|source| AzuriteError::Missing {
        program: "npm",
        source,
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(AzuriteError::Npm(said.trim().to_owned()))
}

#[derive(Debug, thiserror::Error)]
pub enum AzuriteError {
    #[error(
        "Azurite needs {program}, which cannot be run ({source}); install Node.js 20 or later with npm"
    )]
    Missing {
        /// `npm` or `node`.
        program: &'static str,
        source: io::Error,
    },
    #[error("npm could not install Azurite: {0}")]
    Npm(String),
    /// It ended, or said nothing.
    #[error("Azurite did not start on port {port}: {said}")]
    NotStarted { port: u16, said: String },
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
}
