//! The token shown with each request: signed with a key, or Entra's. Kept until shortly before its end.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use azure_core::credentials::TokenCredential;
use order_items_reserver::{http_client::root_cause, identity::Identity};
use time::{Duration, OffsetDateTime};

use crate::{
    connection::Access,
    sas::{SharedKey, shared_access_signature},
    settings::Queue,
};

/// For what an Entra token is asked.
const SCOPE: &str = "https://servicebus.azure.net/.default";

/// How long a signed token holds.
const SIGNED_FOR: Duration = Duration::HOUR;

/// A token is renewed this long before its end; clocks may differ a little.
const MARGIN: Duration = Duration::minutes(5);

/// Why there is no token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no token for the queue: {0}")]
pub struct TokenError(String);

/// Where tokens for one queue come from, and the last one.
pub struct Tokens {
    source: Source,
    last: Mutex<Option<Token>>,
}

enum Source {
    Key {
        key: SharedKey,
        resource: String,
    },
    Entra {
        identity: Identity,
        client: reqwest::Client,
        credential: Mutex<Arc<dyn TokenCredential>>,
    },
}

#[derive(Clone)]
struct Token {
    header: String,
    end: OffsetDateTime,
}

/// Without the tokens.
impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}

impl Tokens {
    /// Tokens for `queue`. Asks nothing of the network yet.
    ///
    /// # Errors
    /// When this machine offers no such identity.
    pub fn new(client: &reqwest::Client, queue: &Queue) -> Result<Self, TokenError> {
        let source = match &queue.connection.access {
            Access::Key(key) => Source::Key {
                key: key.clone(),
                resource: queue.url(&[]).into(),
            },
            Access::Identity(identity) => Source::Entra {
                identity: identity.clone(),
                client: client.clone(),
                credential: Mutex::new(credential(identity, client)?),
            },
        };
        Ok(Self {
            source,
            last: Mutex::new(None),
        })
    }

    /// The value of `Authorization`.
    ///
    /// # Errors
    /// When the identity gets no token.
    pub async fn get(&self) -> Result<String, TokenError> {
        let now = OffsetDateTime::now_utc();
        let last = lock(&self.last).clone();
        if let Some(last) = last.filter(|last| now + MARGIN < last.end) {
            return Ok(last.header);
        }
        let token = self.fetch(now).await?;
        let header = token.header.clone();
        *lock(&self.last) = Some(token);
        Ok(header)
    }

    /// Drops the last token, which was refused, and the one that the credential keeps itself.
    ///
    /// # Errors
    /// When this machine no longer offers the identity.
    pub fn renew(&self) -> Result<(), TokenError> {
        *lock(&self.last) = None;
        if let Source::Entra {
            identity,
            client,
            credential: kept,
        } = &self.source
        {
            *lock(kept) = credential(identity, client)?;
        }
        Ok(())
    }

    async fn fetch(&self, now: OffsetDateTime) -> Result<Token, TokenError> {
        match &self.source {
            Source::Key { key, resource } => {
                let end = now + SIGNED_FOR;
                let header = shared_access_signature(resource, key, end.unix_timestamp());
                Ok(Token { header, end })
            }
            Source::Entra { credential, .. } => {
                let credential = lock(credential).clone();
                let token = credential.get_token(&[SCOPE], None).await;
                let token = token.map_err(|error| TokenError(root_cause(&error)))?;
                Ok(Token {
                    header: format!("Bearer {}", token.token.secret()),
                    end: token.expires_on,
                })
            }
        }
    }
}

fn credential(
    identity: &Identity,
    client: &reqwest::Client,
) -> Result<Arc<dyn TokenCredential>, TokenError> {
    identity
        .credential(client)
        .map_err(|error| TokenError(root_cause(&error)))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
