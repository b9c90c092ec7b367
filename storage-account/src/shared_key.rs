//! Shared Key authorization, which the SDK leaves out: for Azurite, the local stack, and accounts
//! that are still opened with a key.
//!
//! Follows *Authorize with Shared Key* of the Azure Storage REST reference, version 2015-02-21
//! and later.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use azure_core::credentials::Secret;
use azure_core::hmac::hmac_sha256;
use azure_core::http::headers::AUTHORIZATION;
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{Context, Request, Url};
use azure_core::time::{OffsetDateTime, to_rfc7231};

/// An account's name and key.
#[derive(Clone, PartialEq, Eq)]
pub struct AccountKey {
    /// The account's name, which stands in front of the signature and in what is signed.
    pub account: String,
    /// Its key, in base64.
    pub key: Secret,
}

impl fmt::Debug for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountKey")
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

/// Signs each request just before it is sent.
#[derive(Debug)]
pub(crate) struct SharedKeyPolicy(AccountKey);

impl SharedKeyPolicy {
    pub(crate) fn new(key: AccountKey) -> Self {
        Self(key)
    }
}

#[async_trait]
impl Policy for SharedKeyPolicy {
    async fn send(
        &self,
        context: &Context,
        request: &mut Request,
        next: &[Arc<dyn Policy>],
    ) -> PolicyResult {
        request.insert_header("x-ms-date", to_rfc7231(&OffsetDateTime::now_utc()));
        let text = string_to_sign(&self.0.account, request);
        let signature = hmac_sha256(&text, &self.0.key)?;
        let authorization = format!("SharedKey {}:{signature}", self.0.account);
        request.insert_header(AUTHORIZATION, authorization);
        let Some((policy, rest)) = next.split_first() else {
            return Err(azure_core::Error::with_message(
                azure_core::error::ErrorKind::Other,
                "the pipeline ends without a transport",
            ));
        };
        policy.send(context, request, rest).await
    }
}

/// The headers that are signed by value, in this order.
const SIGNED: [&str; 11] = [
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
];

fn string_to_sign(account: &str, request: &Request) -> String {
    let mut headers: Vec<(&str, &str)> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str().trim()))
        .collect();
    headers.sort_unstable();
    let mut text = format!("{}\n", request.method());
    for signed in SIGNED {
        let value = headers.iter().find(|(name, _)| *name == signed);
        let value = value.map_or("", |(_, value)| value);
        // Since 2015-02-21 an empty body's length is left out.
        if !(signed == "content-length" && value == "0") {
            text.push_str(value);
        }
        text.push('\n');
    }
    for (name, value) in headers {
        if name.starts_with("x-ms-") {
            text.extend([name, ":", value, "\n"]);
        }
    }
    text.push_str(&canonical_resource(account, request.url()));
    text
}

/// For the emulator the path itself begins with the account, which then stands there twice.
fn canonical_resource(account: &str, url: &Url) -> String {
    let mut pairs: Vec<(String, String)> = url
        .query_pairs()
        .map(|(name, value)| (name.to_ascii_lowercase(), value.into_owned()))
        .collect();
    pairs.sort_unstable();
    let mut text = format!("/{account}{}", url.path());
    for (name, value) in pairs {
        text.push_str(&format!("\n{name}:{value}"));
    }
    text
}
