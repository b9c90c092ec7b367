//! Who a program is to Entra ID.

mod held;

use std::sync::Arc;

use azure_core::credentials::TokenCredential;
use azure_core::http::{ClientOptions, HttpClient, RetryOptions, Transport};
use azure_identity::{
    DeveloperToolsCredential, ManagedIdentityCredential, ManagedIdentityCredentialOptions,
    UserAssignedId,
};

pub use held::HeldTokens;

/// An identity that needs no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// The app's managed identity in Azure.
    Managed {
        /// Client id of a user-assigned identity; the system-assigned one without.
        client_id: Option<String>,
    },
    /// Whoever is signed in to `az` or `azd` on this machine.
    Developer,
}

impl Identity {
    /// A source of tokens that holds what it got; fetches none yet.
    ///
    /// # Errors
    /// When this machine offers no such identity.
    pub fn credential(
        &self,
        client: &reqwest::Client,
    ) -> azure_core::Result<Arc<dyn TokenCredential>> {
        let source: Arc<dyn TokenCredential> = match self {
            Self::Managed { client_id } => {
                let options = ManagedIdentityCredentialOptions {
                    user_assigned_id: client_id.clone().map(UserAssignedId::ClientId),
                    client_options: client_options(client),
                };
                ManagedIdentityCredential::new(Some(options))?
            }
            Self::Developer => DeveloperToolsCredential::new(None)?,
        };
        Ok(Arc::new(HeldTokens::new(source)))
    }
}

/// Our client underneath, and none of the SDK's own retries.
#[must_use]
pub fn client_options(client: &(impl HttpClient + Clone + 'static)) -> ClientOptions {
    ClientOptions {
        transport: Some(Transport::new(Arc::new(client.clone()))),
        retry: RetryOptions::none(),
        ..ClientOptions::default()
    }
}
