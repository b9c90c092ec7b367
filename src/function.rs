//! The function, put together from its settings: the one place, for the handler, its `--check` and
//! the operator's tool. What is composed here cannot differ between them.

use azure_app::http_client::{ClientError, DirectClient};
use azure_app::program::exit;

use crate::config::{INVOCATION_MAX, Settings};
use crate::fallback::logic_app::{Authorization, LogicApp};
use crate::reserve::{BatchLimits, Reserver};
use crate::store::azure::AzureBlobs;
use crate::store::blob::BlobStore;

/// The function as it runs in Azure: orders go to Blob Storage, the rest to the Logic App.
pub type Function = Reserver<BlobStore<AzureBlobs>, LogicApp>;

/// The `User-Agent` of every request, so that the storage's logs tell who wrote.
pub const USER_AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

/// Why the function cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The SDK makes no client of the account's URL, or this machine offers no such identity.
    #[error("orders storage: {0}")]
    Storage(#[source] azure_core::Error),
    /// This machine offers no such identity for the fallback.
    #[error("fallback: {0}")]
    Fallback(#[source] azure_core::Error),
    /// There is no HTTP client for retries.
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl SetupError {
    /// The exit code of a program that cannot go on without the function: settings are to be
    /// changed, or a library failed that never should.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Storage(_) | Self::Fallback(_) => exit::USAGE,
            Self::Client(_) => exit::SOFTWARE,
        }
    }
}

impl Function {
    /// Puts the function together. Tokens and the fallback go through `client`; the storage has
    /// clients of its own. Retries of an upload open a connection each, for after a fail-over of
    /// the account all four attempts could go down one pooled connection that leads nowhere. Asks
    /// nothing of the network.
    ///
    /// # Errors
    /// When an address or a credential in `settings` is of no use.
    pub fn from(settings: &Settings, client: &reqwest::Client) -> Result<Self, SetupError> {
        Ok(Self {
            store: store(settings, client)?,
            fallback: fallback(settings, client)?,
            retry: settings.retry,
            fallback_timeout: settings.fallback_timeout,
            batch: BatchLimits {
                sessions_at_once: settings.sessions_at_once,
                time: INVOCATION_MAX,
            },
        })
    }
}

fn store(
    settings: &Settings,
    client: &reqwest::Client,
) -> Result<BlobStore<AzureBlobs>, SetupError> {
    let Settings {
        storage,
        container,
        retry,
        ..
    } = settings;
    let pooled = DirectClient::pooled(USER_AGENT)?;
    let unpooled = DirectClient::unpooled(USER_AGENT)?;
    let blobs = AzureBlobs::new(storage, container, client, retry.attempt_timeout)
        .map_err(SetupError::Storage)?;
    let first = blobs.through(&pooled).map_err(SetupError::Storage)?;
    let for_retries = blobs.through(&unpooled).map_err(SetupError::Storage)?;
    Ok(BlobStore::new(first).retrying_through(for_retries))
}

fn fallback(settings: &Settings, client: &reqwest::Client) -> Result<LogicApp, SetupError> {
    let authorization = match &settings.fallback_token_scope {
        Some(scope) => {
            let credential = settings.fallback_identity.credential(client);
            Some(Authorization {
                credential: credential.map_err(SetupError::Fallback)?,
                scope: scope.clone(),
            })
        }
        None => None,
    };
    Ok(LogicApp {
        url: settings.fallback_url.0.clone(),
        client: client.clone(),
        authorization,
    })
}
