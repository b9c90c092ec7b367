//! The one place that builds HTTP clients: for loopback, in the clear.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};

/// A client's builder: no proxy, no retries. Redirects are followed, as the Functions host does.
///
/// In a workspace build reqwest comes with the TLS that the function needs, and then wants to be
/// told which. This one trusts nobody: the stack talks to loopback only.
///
/// # Errors
/// When the TLS library refuses its own defaults.
pub fn builder() -> Result<reqwest::ClientBuilder, rustls::Error> {
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    let builder = reqwest::Client::builder();
    Ok(builder
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .retry(reqwest::retry::never()))
}
