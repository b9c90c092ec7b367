//! The function, put together from its settings: one place, for the handler, its `--check` and the operator's tool.

use azure_app::{
    http_client::{self, ClientError},
    program::exit,
};

use crate::{
    config::Settings,
    fallback::logic_app::{Authorization, LogicApp},
    reserve::Reserver,
    store::{azure::AzureBlobs, blob::BlobStore},
};

/// The function as it runs in Azure: orders go to Blob Storage, the rest to the Logic App.
pub type Function = Reserver<BlobStore<AzureBlobs>, LogicApp>;

/// Why the function cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The storage cannot be addressed.
    #[error("orders storage: {0}")]
    Storage(#[source] azure_core::Error),
    /// This machine offers no identity for the fallback.
    #[error("fallback: {0}")]
    Fallback(#[source] azure_core::Error),
    /// There is no HTTP client for retries.
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl SetupError {
    /// The exit code of a program that cannot go on without it.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Storage(_) | Self::Fallback(_) => exit::USAGE,
            Self::Client(_) => exit::SOFTWARE,
        }
    }
}

impl Function {
    /// Asks nothing of the network. Retries of an upload get connections of their own beside those of `client`: with a
    /// pool alone, four attempts can go down the one connection that is broken.
    ///
    /// # Errors
    /// When an address or a credential in `settings` is of no use.
    pub fn from(settings: &Settings, client: &reqwest::Client) -> Result<Self, SetupError> {
        let blobs = AzureBlobs::new(
            &settings.storage,
            &settings.container,
            client,
            settings.retry.attempt_timeout,
        )
        .map_err(SetupError::Storage)?;
        let for_retries = blobs
            .through(&http_client::unpooled()?)
            .map_err(SetupError::Storage)?;
        let authorization = match &settings.fallback_token_scope {
            Some(scope) => Some(Authorization {
                credential: settings
                    .identity
                    .credential(client)
                    .map_err(SetupError::Fallback)?,
                scope: scope.clone(),
            }),
            None => None,
        };
        Ok(Self {
            store: BlobStore::new(blobs).retrying_through(for_retries),
            fallback: LogicApp {
                url: settings.fallback_url.0.clone(),
                client: client.clone(),
                authorization,
            },
            retry: settings.retry,
            fallback_timeout: settings.fallback_timeout,
        })
    }
}
