//! A real Azurite for the tests: installed by the first that needs it, started once per process.

use std::sync::OnceLock;

use azure_core::credentials::Secret;
use azure_core::hmac::hmac_sha256;
use blob::{ACCOUNT, ACCOUNT_KEY, Azurite as AzuriteProcess, AzuriteOptions};
use tokio::runtime::Runtime;

/// A running Azurite.
#[derive(Debug)]
pub(crate) struct Azurite {
    /// The account's URL.
    pub(crate) url: String,
    process: AzuriteProcess,
    // Reads what it prints.
    _runtime: Runtime,
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
                    testkit::skipped(
                        "the real Azurite",
                        &problem,
                        "Node.js 20 or later with npm; the tests do the rest",
                    );
                    None
                }
            })
            .as_ref()
    }

    /// Opened with its well-known key.
    pub(crate) fn connection_string(&self) -> String {
        self.process.connection_string()
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

    /// A SAS of one container: Storage REST reference, *Create a service SAS*.
    pub(crate) fn container_sas(&self, container: &str, permissions: &str) -> String {
        let (version, expiry) = ("2020-12-06", "2099-01-01T00:00:00Z");
        // Permissions, start, expiry, resource, policy, addresses, protocols, version, kind,
        // snapshot, encryption scope, and five headers of the answer.
        let text = format!(
            "{permissions}\n\n{expiry}\n/blob/{ACCOUNT}/{container}\n\n\nhttps,http\n{version}\nc\n\n\n\n\n\n\n"
        );
        let signature = hmac_sha256(&text, &Secret::new(ACCOUNT_KEY)).unwrap();
        let signature =
            percent_encoding::utf8_percent_encode(&signature, percent_encoding::NON_ALPHANUMERIC);
        format!("sv={version}&sr=c&sp={permissions}&se={expiry}&spr=https,http&sig={signature}")
    }

    /// On a thread of its own: the tests that ask for it are in runtimes of theirs already.
    fn install_and_start() -> Result<Self, String> {
        let starting = std::thread::spawn(|| {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .map_err(|error| error.to_string())?;
            let options = AzuriteOptions {
                package: testkit::workspace().join("tests/azurite"),
                installed: testkit::target().join("azurite"),
                port: 0,
                data: None,
            };
            let process = runtime.block_on(AzuriteProcess::start(&options));
            let process = process.map_err(|error| error.to_string())?;
            Ok(Self {
                url: process.url().to_owned(),
                process,
                _runtime: runtime,
            })
        });
        starting.join().unwrap()
    }
}
