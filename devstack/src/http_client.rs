//! The one place that builds an HTTP client.

/// A client for loopback: no proxy, no retries. It follows redirects, as the Functions host does.
pub(crate) fn build() -> Result<reqwest::Client, reqwest::Error> {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    let builder = reqwest::Client::builder();
    builder.no_proxy().retry(reqwest::retry::never()).build()
}
