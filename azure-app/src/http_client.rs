//! The HTTP clients of the process, with no retries, redirects or proxies of their own.

mod direct;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};

pub use direct::DirectClient;

/// Below the idle limits of Azure's front ends, so that a pooled connection is not closed under a
/// request.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// TCP and TLS together: half of the default upload attempt (10 s), so that an address that
/// swallows packets is told apart from a service that does not answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The TLS library refuses its own defaults.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The HTTP library refuses its options.
    #[error("HTTP client: {0}")]
    Http(#[from] reqwest::Error),
    /// The name of the program is no `User-Agent`.
    #[error("User-Agent: {0}")]
    Agent(#[from] http::Error),
}

/// Builds the client that keeps connections open; `agent` is its `User-Agent`. Trusts Mozilla's
/// root certificates as compiled in, so that the static binary needs nothing of the image it runs
/// in.
///
/// # Errors
/// When the TLS or HTTP library refuses its set-up; never because of the network.
pub fn build(agent: &str) -> Result<reqwest::Client, ClientError> {
    Ok(builder(agent)?.pool_idle_timeout(IDLE_MAX).build()?)
}

/// As [`build`], for who sends to Service Bus: over REST the property `Diagnostic-Id` is a header,
/// and in the lower case that is usual otherwise the Functions host would not know it.
///
/// # Errors
/// As [`build`].
pub fn for_properties(agent: &str) -> Result<reqwest::Client, ClientError> {
    let builder = builder(agent)?.pool_idle_timeout(IDLE_MAX);
    Ok(builder.http1_title_case_headers().build()?)
}

fn tls() -> Result<ClientConfig, rustls::Error> {
    let roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    Ok(config
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

fn builder(agent: &str) -> Result<reqwest::ClientBuilder, ClientError> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place: no retries, redirects or proxies, said here"
    )]
    let builder = reqwest::Client::builder();
    Ok(builder
        .tls_backend_preconfigured(tls()?)
        // A proxy named by a variable meant for other programs would get the identity's secret and
        // signed URLs.
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .user_agent(agent))
}

/// The innermost cause of an error, in one line: the outer ones quote the URL, which may carry a
/// signature.
#[must_use]
pub fn root_cause(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    if let Some(outer) = cause.downcast_ref::<reqwest::Error>() {
        return if outer.is_timeout() {
            "timed out"
        } else {
            "no answer"
        }
        .to_owned();
    }
    cause
        .to_string()
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned()
}
