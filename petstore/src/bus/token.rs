//! The right to send: a shared access signature, or an Entra token.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use azure_core::credentials::TokenCredential;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac as _};
use order_items_reserver::{http_client::root_cause, identity::Identity};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::Sha256;
use time::OffsetDateTime;

use super::Endpoint;

const SCOPE: &str = "https://servicebus.azure.net/.default";

/// All but the unreserved characters (RFC 3986, section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A signature is made for each request, so it need not live long; clocks may differ a little.
const SIGNATURE_SECONDS: i64 = 20 * 60;

/// How the bus lets us in.
#[derive(Clone, Debug)]
pub enum Access {
    /// With a key from a connection string.
    Key(SasKey),
    /// As an identity of Entra ID.
    Identity(Identity),
}

/// A shared access key. Its secret is never printed.
#[derive(Clone)]
pub struct SasKey {
    /// `SharedAccessKeyName`.
    pub name: String,
    /// `SharedAccessKey`: signs as text, it is not base64-decoded.
    pub secret: String,
}

impl fmt::Debug for SasKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SasKey")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A shared access signature for `resource` until `expiry` (Unix seconds).
#[must_use]
pub fn sign(resource: &str, key: &SasKey, expiry: i64) -> String {
    let encode = |text: &str| utf8_percent_encode(text, RESERVED).to_string();
    let resource = encode(resource);
    // HMAC takes keys of every length: the empty default is never used.
    let signature = Hmac::<Sha256>::new_from_slice(key.secret.as_bytes()).map(|mut mac| {
        mac.update(format!("{resource}\n{expiry}").as_bytes());
        STANDARD.encode(mac.finalize().into_bytes())
    });
    format!(
        "SharedAccessSignature sr={resource}&sig={}&se={expiry}&skn={}",
        encode(&signature.unwrap_or_default()),
        encode(&key.name)
    )
}

/// Where `Authorization` headers come from.
pub(super) enum Tokens {
    Signed {
        resource: String,
        key: SasKey,
    },
    Entra {
        identity: Identity,
        credential: RwLock<Arc<dyn TokenCredential>>,
    },
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signed { key, .. } => key.fmt(f),
            Self::Entra { identity, .. } => identity.fmt(f),
        }
    }
}

impl Tokens {
    pub(super) fn new(
        endpoint: &Endpoint,
        queue: &str,
        client: &reqwest::Client,
    ) -> Result<Self, String> {
        match &endpoint.access {
            Access::Key(key) => Ok(Self::Signed {
                resource: format!(
                    "https://{}/{queue}",
                    endpoint.url.host_str().unwrap_or_default()
                ),
                key: key.clone(),
            }),
            Access::Identity(identity) => Ok(Self::Entra {
                identity: identity.clone(),
                credential: RwLock::new(credential(identity, client)?),
            }),
        }
    }

    pub(super) async fn get(&self) -> Result<Option<String>, String> {
        match self {
            Self::Signed { resource, key } => {
                let expiry = OffsetDateTime::now_utc().unix_timestamp() + SIGNATURE_SECONDS;
                Ok(Some(sign(resource, key, expiry)))
            }
            Self::Entra { credential, .. } => {
                let credential = credential
                    .read()
                    .unwrap_or_else(PoisonError::into_inner)
                    .clone();
                let token = credential.get_token(&[SCOPE], None).await;
                let token = token.map_err(|error| format!("no token: {}", root_cause(&error)))?;
                Ok(Some(format!("Bearer {}", token.token.secret())))
            }
        }
    }

    /// Forgets the token that the credential keeps.
    pub(super) fn renew(&self, client: &reqwest::Client) -> Result<(), String> {
        if let Self::Entra {
            identity,
            credential: kept,
        } = self
        {
            let fresh = credential(identity, client)?;
            *kept.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        }
        Ok(())
    }
}

fn credential(
    identity: &Identity,
    client: &reqwest::Client,
) -> Result<Arc<dyn TokenCredential>, String> {
    identity
        .credential(client)
        .map_err(|error| format!("no identity: {}", root_cause(&error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The output of Microsoft's Python SDK 7.15.0 for the same input.
    #[test]
    fn a_signature_is_the_one_that_microsofts_sdk_makes() {
        let key = SasKey {
            name: "RootManageSharedAccessKey".to_owned(),
            secret: "c2VjcmV0+/key==".to_owned(),
        };
        let resource = "https://example.servicebus.windows.net/order-items";
        assert_eq!(
            sign(resource, &key, 1_767_225_600),
            "SharedAccessSignature sr=https%3A%2F%2Fexample.servicebus.windows.net%2Forder-items\
             &sig=ii1%2BpUjemGuhKJ2fj1a9%2BMIHCe4smSYYoKgIE%2F3b0ys%3D&se=1767225600\
             &skn=RootManageSharedAccessKey"
        );
        assert!(!format!("{key:?}").contains("c2Vj"));
    }
}
