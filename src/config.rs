//! The settings of the function. Every mistake is reported at once.

mod budget;
mod fallback;
mod storage;

use std::time::Duration;

use tracing_subscriber::filter::Targets;
use url::Url;

use azure_app::{
    identity::Identity,
    settings::{self, Mistakes, Reader, Source},
};

use crate::{retry::Retry, store::azure::StorageAccount};

pub use budget::{FUNCTION_TIMEOUT, LOCK_RENEWAL_MAX, MARGIN, READ_TIMEOUT};

/// Every setting of the function: its name, and its default or `None` where one must be given.
/// `README.md` and `local.settings.json` list the same; a test compares them.
pub const SETTINGS: [(&str, Option<&str>); 12] = [
    (PORT, Some("7072")),
    (storage::CONNECTION, None),
    (storage::SERVICE_URI, None),
    (storage::CREDENTIAL, None),
    (storage::CLIENT_ID, None),
    (storage::CONTAINER, Some("orders")),
    (fallback::URL, None),
    (fallback::TOKEN_SCOPE, None),
    (ATTEMPT_TIMEOUT, Some("10000")),
    (BACKOFF_BASE, Some("1000")),
    (FALLBACK_TIMEOUT, Some("100000")),
    (LOG_FILTER, Some("info")),
];

const PORT: &str = "FUNCTIONS_CUSTOMHANDLER_PORT";
const ATTEMPT_TIMEOUT: &str = "UPLOAD_ATTEMPT_TIMEOUT_MS";
const BACKOFF_BASE: &str = "UPLOAD_BACKOFF_BASE_MS";
const FALLBACK_TIMEOUT: &str = "FALLBACK_TIMEOUT_MS";
const LOG_FILTER: &str = "RUST_LOG";

/// Set by the host for the handlers it starts.
const WORKER_ID: &str = "FUNCTIONS_CUSTOMHANDLER_WORKER_ID";

/// The function's settings, complete and consistent.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Port on 127.0.0.1; 0 for any free one.
    pub port: u16,
    /// Where the orders go.
    pub storage: StorageAccount,
    /// The container in it.
    pub container: String,
    /// The Logic App's trigger. May carry a signature: not for logs.
    pub fallback_url: SecretUrl,
    /// Scope of the Entra token for it, if it wants one.
    pub fallback_token_scope: Option<String>,
    /// Whose token.
    pub identity: Identity,
    /// How uploads are retried.
    pub retry: Retry,
    /// Time limit of the one call of the fallback.
    pub fallback_timeout: Duration,
    /// What is logged.
    pub log_filter: Targets,
    /// Started by a Functions host, which it should not outlive.
    pub hosted: bool,
}

/// A URL whose query is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretUrl(pub Url);

impl SecretUrl {
    /// Scheme, host and port.
    #[must_use]
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }
}

impl std::fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/…", self.origin())
    }
}

impl Settings {
    /// Reads the environment of the process.
    ///
    /// # Errors
    /// Lists everything that is missing or wrong.
    pub fn from_env() -> Result<Self, Mistakes> {
        Self::read(&settings::from_env)
    }

    /// Reads the settings from `source`; an empty value counts as unset.
    ///
    /// # Errors
    /// Lists everything that is missing or wrong.
    pub fn read(source: Source<'_>) -> Result<Self, Mistakes> {
        settings::read(&SETTINGS, source, Self::assemble)
    }

    /// Reads everything before it gives up on anything: the mistakes are in the reader.
    fn assemble(reader: &mut Reader<'_>) -> Option<Self> {
        let port = reader.number(PORT, 0..=65_535);
        let identity = reader.identity(storage::CREDENTIAL, storage::CLIENT_ID);
        let storage = storage::account(reader, identity.as_ref());
        let container = storage::container(reader);
        let fallback_url = fallback::url(reader);
        let fallback_token_scope = fallback::token_scope(reader, fallback_url.as_ref());
        let attempt_timeout = reader.milliseconds(ATTEMPT_TIMEOUT);
        let backoff_base = reader.milliseconds(BACKOFF_BASE);
        let fallback_timeout = reader.milliseconds(FALLBACK_TIMEOUT);
        let log_filter = reader.parsed(
            LOG_FILTER,
            "a log filter such as info or info,order_items_reserver=debug",
        );
        let hosted = reader.get(WORKER_ID).is_some();
        let retry = Retry {
            attempt_timeout: attempt_timeout?,
            backoff_base: backoff_base?,
        };
        let fallback_timeout = fallback_timeout?;
        budget::check(&retry, fallback_timeout, reader);
        Some(Self {
            port: port?.try_into().ok()?,
            storage: storage?,
            container: container?,
            fallback_url: SecretUrl(fallback_url?),
            fallback_token_scope: fallback_token_scope?,
            identity: identity?,
            retry,
            fallback_timeout,
            log_filter: log_filter?,
            hosted,
        })
    }
}
