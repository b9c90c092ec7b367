//! The token shown with each request: signed with a key, or Entra's. Kept until shortly before its end.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use azure_core::credentials::TokenCredential;
use order_items_reserver::http_client::root_cause;
use time::{Duration, OffsetDateTime};
use url::Url;

use super::shared_access_signature;
use crate::connection::{Access, SharedKey};

/// For what an Entra token is asked.
const SCOPE: &str = "https://servicebus.azure.net/.default";

/// How long a signed token holds.
const SIGNED_FOR: Duration = Duration::HOUR;

/// A token is renewed this long before its end.
const MARGIN: Duration = Duration::minutes(5);

/// Why there is no token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no token for the queue: {0}")]
pub struct TokenError(String);

/// Where tokens come from, and the last one.
pub(super) struct Tokens {
    source: Source,
    last: Mutex<Option<Token>>,
}

enum Source {
    Key { key: SharedKey, resource: String },
    Entra(Arc<dyn TokenCredential>),
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
    pub(super) fn new(
        client: &reqwest::Client,
        access: &Access,
        queue: Url,
    ) -> Result<Self, TokenError> {
        let source = match access {
            Access::Key(key) => Source::Key {
                key: key.clone(),
                resource: queue.into(),
            },
            Access::Identity(identity) => {
                let credential = identity.credential(client);
                Source::Entra(credential.map_err(|error| TokenError(root_cause(&error)))?)
            }
        };
        Ok(Self {
            source,
            last: Mutex::new(None),
        })
    }

    /// The value of `Authorization`.
    pub(super) async fn get(&self) -> Result<String, TokenError> {
        let now = OffsetDateTime::now_utc();
        let last = self.last().clone();
        if let Some(last) = last.filter(|last| now + MARGIN < last.end) {
            return Ok(last.header);
        }
        let token = self.fetch(now).await?;
        let header = token.header.clone();
        *self.last() = Some(token);
        Ok(header)
    }

    /// Drops the last token, which was refused. False when a new one would be no other.
    pub(super) fn forget(&self) -> bool {
        self.last().take().is_some() && matches!(self.source, Source::Entra(_))
    }

    async fn fetch(&self, now: OffsetDateTime) -> Result<Token, TokenError> {
        match &self.source {
            Source::Key { key, resource } => {
                let end = now + SIGNED_FOR;
                let header = shared_access_signature(resource, key, end.unix_timestamp());
                let header = header.ok_or_else(|| TokenError("the key cannot sign".to_owned()))?;
                Ok(Token { header, end })
            }
            Source::Entra(credential) => {
                let token = credential.get_token(&[SCOPE], None).await;
                let token = token.map_err(|error| TokenError(root_cause(&error)))?;
                Ok(Token {
                    header: format!("Bearer {}", token.token.secret()),
                    end: token.expires_on,
                })
            }
        }
    }

    fn last(&self) -> MutexGuard<'_, Option<Token>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
