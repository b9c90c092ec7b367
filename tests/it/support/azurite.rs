//! A real Azurite for the tests: installed by the first that needs it, started once per process.
//!
//! Each version of the lock file has a folder of its own below `target/azurite`: it is complete or
//! not there, and nothing is replaced under a process that uses it.

use std::{
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::{self, BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{OnceLock, mpsc},
    time::Duration,
};

use azure_core::{credentials::Secret, hmac::hmac_sha256};
use devstack::blob::{ACCOUNT, ACCOUNT_KEY};

const PACKAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/azurite/package.json");
const LOCK: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/azurite/package-lock.json"
);

/// Ends with its standard input, which is ours to close: when this process ends, however it
/// ends, so does Azurite.
const WRAPPER: &str = "
    process.stdin.on('close', () => process.exit(0)).resume();
    process.argv = [process.argv[0], 'azurite-blob', '--silent', '--disableTelemetry',
        '--inMemoryPersistence', '--blobHost', '127.0.0.1', '--blobPort', '0'];
    require(process.cwd() + '/node_modules/azurite/dist/src/blob/main.js');
";

/// In front of the address in the line that it prints when it is ready.
const READY: &str = "successfully listens on ";

const START_LIMIT: Duration = Duration::from_secs(120);

/// A running Azurite.
#[derive(Debug)]
pub(crate) struct Azurite {
    /// The account's URL.
    pub(crate) url: String,
    _process: Child,
}

impl Azurite {
    /// The one of this process. `None` where it cannot be had, after saying so; with `CI=true`
    /// that is a failure.
    pub(crate) fn get() -> Option<&'static Self> {
        static AZURITE: OnceLock<Option<Azurite>> = OnceLock::new();
        AZURITE
            .get_or_init(|| match Self::install_and_start() {
                Ok(azurite) => Some(azurite),
                Err(problem) => {
                    missing(&problem);
                    None
                }
            })
            .as_ref()
    }

    /// Opened with its well-known key.
    pub(crate) fn connection_string(&self) -> String {
        let url = &self.url;
        format!("AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};BlobEndpoint={url};")
    }

    /// An account SAS, made by hand: Storage REST reference, *Create an account SAS*.
    pub(crate) fn sas(&self, permissions: &str) -> String {
        let (version, expiry) = ("2020-08-04", "2099-01-01T00:00:00Z");
        let text =
            format!("{ACCOUNT}\n{permissions}\nb\nsco\n\n{expiry}\n\nhttps,http\n{version}\n");
        let signature = hmac_sha256(&text, &Secret::new(ACCOUNT_KEY)).unwrap();
        let signature =
            percent_encoding::utf8_percent_encode(&signature, percent_encoding::NON_ALPHANUMERIC);
        format!(
            "sv={version}&ss=b&srt=sco&sp={permissions}&se={expiry}&spr=https,http&sig={signature}"
        )
    }

    fn install_and_start() -> Result<Self, String> {
        let mut hasher = DefaultHasher::new();
        fs::read(LOCK)
            .map_err(|error| format!("{LOCK}: {error}"))?
            .hash(&mut hasher);
        let home = target().join(format!("azurite/{:016x}", hasher.finish()));
        if !home.exists() {
            install(&home)?;
        }
        Self::start(&home)
    }

    fn start(home: &Path) -> Result<Self, String> {
        let log = fs::File::create(home.join("azurite.log")).map_err(|e| e.to_string())?;
        let mut process = Command::new("node")
            .args(["-e", WRAPPER])
            .current_dir(home)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .map_err(|error| format!("node: {error}"))?;
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let (found, address) = mpsc::channel();
        // Reads to the end, so that Azurite never waits for a reader.
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if let Some((_, address)) = line.split_once(READY) {
                    found.send(address.trim().to_owned()).ok();
                }
            }
        });
        let address = address.recv_timeout(START_LIMIT).map_err(|_| {
            format!(
                "Azurite did not start; see {}",
                home.join("azurite.log").display()
            )
        })?;
        Ok(Self {
            url: format!("{address}/{ACCOUNT}"),
            _process: process,
        })
    }
}

fn target() -> PathBuf {
    let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
    tmp.parent().unwrap_or(tmp).to_owned()
}

/// Beside the place first, then moved there: several test processes may do this at once.
fn install(home: &Path) -> Result<(), String> {
    let beside = home.with_extension(std::process::id().to_string());
    let failed = |error: io::Error| format!("{}: {error}", beside.display());
    fs::create_dir_all(&beside).map_err(failed)?;
    fs::copy(PACKAGE, beside.join("package.json")).map_err(failed)?;
    fs::copy(LOCK, beside.join("package-lock.json")).map_err(failed)?;
    let npm = Command::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(&beside)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("npm: {error}"))?;
    if !npm.status.success() {
        fs::remove_dir_all(&beside).ok();
        return Err(format!("npm ci: {}", String::from_utf8_lossy(&npm.stderr)));
    }
    if fs::rename(&beside, home).is_err() {
        // Another process was faster, with the same.
        fs::remove_dir_all(&beside).ok();
    }
    Ok(())
}

/// Past the capture of the test harness, which hides what a passing test prints.
fn missing(problem: &str) {
    #[expect(clippy::disallowed_methods, reason = "not a setting of the product")]
    let ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(!ci, "CI has to run the tests against Azurite: {problem}");
    writeln!(
        io::stderr(),
        "\nSKIPPED: the tests against the real Azurite. {problem}\n\
         To run them, install Node.js 20 or later with npm; the tests do the rest.\n"
    )
    .ok();
}
