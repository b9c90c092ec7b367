//! Tokens, held for as long as they are good: who has one never waits for the next.
//!
//! The SDK wants a new token five minutes before the end of the old one, and has every request
//! wait for it behind one lock; while the identity's endpoint hangs, a good token is of no use to
//! it. Here the request goes on with the token that is held, and the next is fetched beside it.
//!
//! A token that is refused (401) is not dropped: the endpoint has a cache of its own and would
//! give out the same again, and each refusal would be a request to it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use azure_core::Error;
use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use azure_core::error::ErrorKind;
use time::OffsetDateTime;
use tokio::sync;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tracing::warn;

/// A token is renewed this long before its end: when the SDK begins to ask for another.
const RENEWAL_WINDOW: Duration = Duration::from_secs(5 * 60);

/// Two tries to renew a token are this far apart.
const RENEWAL_PAUSE: Duration = Duration::from_secs(30);

/// Time limit of one fetch: shorter than an upload's, so that the error names the endpoint; long
/// enough for `az` on a laptop.
const FETCH_TIMEOUT: Duration = Duration::from_secs(8);

/// A credential that holds the tokens of another.
pub struct HeldTokens {
    cache: Arc<TokenCache>,
    renewals: Mutex<JoinSet<()>>,
    /// Held by the one request that fetches while there is no valid token; the others wait for what
    /// it gets, instead of asking the endpoint as many times as there are uploads.
    fetching: sync::Mutex<()>,
}

struct TokenCache {
    source: Arc<dyn TokenCredential>,
    /// By scopes.
    tokens: Mutex<HashMap<Vec<String>, HeldToken>>,
}

struct HeldToken {
    token: AccessToken,
    renewal_began: Option<Instant>,
}

impl fmt::Debug for HeldTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeldTokens").finish_non_exhaustive()
    }
}

impl HeldTokens {
    /// Holds the tokens of `source`; fetches none yet.
    #[must_use]
    pub fn new(source: Arc<dyn TokenCredential>) -> Self {
        Self {
            cache: Arc::new(TokenCache {
                source,
                tokens: Mutex::default(),
            }),
            renewals: Mutex::default(),
            fetching: sync::Mutex::default(),
        }
    }

    /// The held token unless its time is over. Begins its renewal when that is due.
    fn valid(&self, scopes: &[String]) -> Option<AccessToken> {
        let now = OffsetDateTime::now_utc();
        let mut tokens = lock(&self.cache.tokens);
        let held = tokens.get_mut(scopes)?;
        if held.token.expires_on <= now {
            return None;
        }
        let paused = held
            .renewal_began
            .is_some_and(|it| it.elapsed() < RENEWAL_PAUSE);
        if held.token.expires_on <= now + RENEWAL_WINDOW && !paused {
            held.renewal_began = Some(Instant::now());
            self.renew(scopes.to_vec());
        }
        Some(held.token.clone())
    }

    /// Fetches the next token beside the requests.
    fn renew(&self, scopes: Vec<String>) {
        let cache = Arc::clone(&self.cache);
        let mut renewals = lock(&self.renewals);
        while renewals.try_join_next().is_some() {}
        renewals.spawn(async move {
            if !matches!(
                timeout(FETCH_TIMEOUT, cache.fetch(&scopes)).await,
                Ok(Ok(_))
            ) {
                // Without the cause: what was not understood may be an answer with a token in it.
                warn!(?scopes, "a token was not renewed yet; the held one goes on");
            }
        });
    }
}

#[async_trait::async_trait]
impl TokenCredential for HeldTokens {
    async fn get_token(
        &self,
        scopes: &[&str],
        _: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        let scopes: Vec<String> = scopes.iter().map(|&scope| scope.to_owned()).collect();
        if let Some(token) = self.valid(&scopes) {
            return Ok(token);
        }
        let fetched = async {
            let _alone = self.fetching.lock().await;
            match self.valid(&scopes) {
                Some(token) => Ok(token),
                None => self.cache.fetch(&scopes).await,
            }
        };
        tokio::select! {
            // The time limit first: when the one that asked gives up, those who waited for it are
            // out of time too, and must not become the next to ask.
            biased;
            () = sleep(FETCH_TIMEOUT) => {
                let silence = format!("the identity's endpoint gave no answer within {FETCH_TIMEOUT:?}");
                Err(Error::with_message(ErrorKind::Credential, silence))
            }
            token = fetched => token,
        }
    }
}

impl TokenCache {
    async fn fetch(&self, scopes: &[String]) -> azure_core::Result<AccessToken> {
        let wanted: Vec<&str> = scopes.iter().map(String::as_str).collect();
        let token = self.source.get_token(&wanted, None).await?;
        let mut tokens = lock(&self.tokens);
        let last = tokens.remove(scopes);
        let held = HeldToken {
            token: token.clone(),
            // The endpoint may have given out the same token again: without this pause each request
            // from now on would begin a renewal.
            renewal_began: last.and_then(|last| last.renewal_began),
        };
        tokens.insert(scopes.to_vec(), held);
        Ok(token)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
