//! The token shown with each request: signed with a key and kept until shortly before its end, or
//! Entra's.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use azure_app::http_client::root_cause;
use azure_app::identity::Identity;
use azure_core::credentials::TokenCredential;
use reqwest::header::AUTHORIZATION;
use reqwest::{RequestBuilder, Response, StatusCode};
use time::{Duration, OffsetDateTime};

use crate::connection::Access;
use crate::sas::{SharedKey, shared_access_signature};
use crate::settings::Queue;

/// What an Entra token is asked for.
const SCOPE: &str = "https://servicebus.azure.net/.default";

/// How long a signed token holds.
const SIGNED_FOR: Duration = Duration::HOUR;

/// A signed token is renewed this long before its end; clocks may differ a little.
const RENEWAL_MARGIN: Duration = Duration::minutes(5);

/// Why there is no token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no token for the queue: {0}")]
pub struct TokenError(String);

/// Why a request got no answer.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// There is no token for it.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// It did not reach the queue, or the answer was not complete.
    #[error(transparent)]
    Http(#[from] reqwest::Error),
}

/// Where tokens for one queue come from.
pub struct Tokens(TokenSource);

enum TokenSource {
    Key {
        key: SharedKey,
        resource: String,
        last: Mutex<Option<SignedToken>>,
    },
    /// The credential holds its tokens itself.
    Entra {
        identity: Identity,
        client: reqwest::Client,
        credential: Mutex<Arc<dyn TokenCredential>>,
    },
}

struct SignedToken {
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
        Ok(Self(match &queue.connection.access {
            Access::Key(key) => TokenSource::Key {
                key: key.clone(),
                resource: queue.url(&[]).into(),
                last: Mutex::default(),
            },
            Access::Identity(identity) => TokenSource::Entra {
                identity: identity.clone(),
                client: client.clone(),
                credential: Mutex::new(credential(identity, client)?),
            },
        }))
    }

    /// Sends what `request` makes; after a 401 once more, with a new token.
    ///
    /// # Errors
    /// When there is no token, or no answer.
    pub async fn send(
        &self,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<Response, RequestError> {
        let answer = self.try_to_send(request()).await?;
        if answer.status() != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        self.renew()?;
        self.try_to_send(request()).await
    }

    async fn try_to_send(&self, request: RequestBuilder) -> Result<Response, RequestError> {
        let token = self.get().await?;
        Ok(request.header(AUTHORIZATION, token).send().await?)
    }

    /// The value of `Authorization`.
    ///
    /// # Errors
    /// When the identity gets no token.
    pub async fn get(&self) -> Result<String, TokenError> {
        match &self.0 {
            TokenSource::Key {
                key,
                resource,
                last,
            } => Ok(signed(key, resource, &mut lock(last))),
            TokenSource::Entra { credential, .. } => {
                let credential = lock(credential).clone();
                let token = credential.get_token(&[SCOPE], None).await;
                let token = token.map_err(|error| TokenError(root_cause(&error)))?;
                Ok(format!("Bearer {}", token.token.secret()))
            }
        }
    }

    /// Drops the last token, which was refused, and all that the credential holds.
    fn renew(&self) -> Result<(), TokenError> {
        match &self.0 {
            TokenSource::Key { last, .. } => *lock(last) = None,
            TokenSource::Entra {
                identity,
                client,
                credential: held,
            } => *lock(held) = credential(identity, client)?,
        }
        Ok(())
    }
}

/// The last token while it holds for long enough, else a new one in its place.
fn signed(key: &SharedKey, resource: &str, last: &mut Option<SignedToken>) -> String {
    let now = OffsetDateTime::now_utc();
    if let Some(last) = last.as_ref().filter(|last| now + RENEWAL_MARGIN < last.end) {
        return last.header.clone();
    }
    let end = now + SIGNED_FOR;
    let header = shared_access_signature(resource, key, end.unix_timestamp());
    last.insert(SignedToken { header, end }).header.clone()
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
