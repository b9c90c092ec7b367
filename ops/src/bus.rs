//! The dead-letter queue over REST: receive under lock, delete, unlock, renew, count.
//!
//! Spec: "Peek-Lock Message", "Delete Message", "Unlock Message", "Renew-Lock for a Message" and
//! "Get queue" of the Service Bus REST API.

mod counts;
mod error;

use std::cell::Cell;
use std::future::Future;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use bytes::Bytes;
use order_items_reserver::azure_app::http_client::root_cause;
use reqwest::header::{CONTENT_LENGTH, HeaderMap};
use reqwest::{Method, StatusCode};
pub use service_bus::TokenError;
use service_bus::{Queue, RequestError, Tokens};
use url::Url;

use crate::letter::{Letter, Lock};
pub use counts::{Counts, CountsError};
pub use error::BusError;

/// Time limit of a request, on top of what the broker was asked to wait.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Tries of a request that failed for a passing reason.
const TRIES_MAX: usize = 4;

/// The first pause between two tries; the next ones double it.
const PAUSE_MIN: Duration = Duration::from_millis(250);

/// The longest pause that `Retry-After` can ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(30);

/// Below a queue's own path.
const DEAD_LETTERS: &str = "$deadletterqueue";

/// An answer, whole.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

/// One queue of a namespace.
#[derive(Debug)]
pub struct Bus {
    client: reqwest::Client,
    queue: Queue,
    tokens: Tokens,
}

impl Bus {
    /// `queue`, reached through `client`. Asks nothing of the network.
    ///
    /// # Errors
    /// When this machine offers no such identity.
    pub fn new(client: &reqwest::Client, queue: &Queue) -> Result<Self, TokenError> {
        Ok(Self {
            client: client.clone(),
            queue: queue.clone(),
            tokens: Tokens::new(client, queue)?,
        })
    }

    /// The queue's name.
    #[must_use]
    pub fn queue(&self) -> &str {
        &self.queue.name
    }

    /// Scheme, host and port of the namespace.
    #[must_use]
    pub fn origin(&self) -> String {
        self.queue.connection.base.origin().ascii_serialization()
    }

    /// Locks the next dead letter; `None` when none came within `wait`, in whole seconds.
    ///
    /// A receive whose answer was lost is repeated; the letter of the first one comes again when
    /// its lock ends.
    ///
    /// # Errors
    /// When the queue cannot be read.
    pub async fn receive(&self, wait: Duration) -> Result<Option<(Letter, Lock)>, BusError> {
        let mut url = self.url(&[DEAD_LETTERS, "messages", "head"]);
        url.set_query(Some(&format!("timeout={}", wait.as_secs())));
        let answer = self
            .with_retries(|| self.request(Method::POST, url.clone(), wait + TIMEOUT))
            .await?;
        match answer.status {
            StatusCode::NO_CONTENT => Ok(None),
            _ => Letter::read(&answer.headers, answer.body)
                .map(Some)
                .map_err(|error| BusError::Unexpected(error.to_string())),
        }
    }

    /// Deletes the locked letter for good.
    ///
    /// # Errors
    /// [`BusError::LockLost`]: it is in the queue still. With any other it may be deleted or not.
    pub async fn delete(&self, lock: &Lock) -> Result<(), BusError> {
        self.settle(Method::DELETE, lock).await
    }

    /// Gives the locked letter back.
    ///
    /// # Errors
    /// When it could not be: it is free when its lock ends.
    pub async fn unlock(&self, lock: &Lock) -> Result<(), BusError> {
        self.settle(Method::PUT, lock).await
    }

    /// Keeps the letter locked for another lock duration.
    ///
    /// # Errors
    /// [`BusError::LockLost`] when it is no longer.
    pub async fn renew(&self, lock: &Lock) -> Result<(), BusError> {
        self.settle(Method::POST, lock).await
    }

    /// How many messages the queue holds.
    ///
    /// # Errors
    /// When they cannot be read: it needs more rights than receiving does.
    pub async fn counts(&self) -> Result<Counts, CountsError> {
        let mut url = self.url(&[]);
        url.set_query(Some("api-version=2017-04"));
        let asked = self.with_retries(|| self.request(Method::GET, url.clone(), TIMEOUT));
        Counts::read(&asked.await?.body)
    }

    async fn settle(&self, method: Method, lock: &Lock) -> Result<(), BusError> {
        let url = self.lock_url(lock);
        let unclear = Cell::new(false);
        let settling = self.with_retries(|| async {
            let answer = self.request(method.clone(), url.clone(), TIMEOUT).await;
            let is_unclear = answer.as_ref().is_err_and(BusError::is_unclear);
            unclear.set(unclear.get() || is_unclear);
            answer
        });
        match settling.await {
            Ok(_) => Ok(()),
            // 404 by the documentation; 410 is how the broker speaks of what is gone elsewhere.
            Err(BusError::NoQueue { .. }) if method == Method::DELETE && unclear.get() => {
                Err(BusError::PerhapsDeleted)
            }
            Err(BusError::NoQueue { .. }) => Err(BusError::LockLost),
            Err(error) => Err(error),
        }
    }

    /// Where the letter is settled: the broker's `Location`, unless it leads to another host,
    /// which must not see our token.
    #[must_use]
    pub fn lock_url(&self, lock: &Lock) -> Url {
        let location = lock.location.clone();
        let ours =
            location.filter(|location| location.origin() == self.queue.connection.base.origin());
        let number = lock.sequence.to_string();
        ours.unwrap_or_else(|| self.url(&[DEAD_LETTERS, "messages", &number, &lock.token]))
    }

    /// The request, and up to three more while it fails for a passing reason: receiving, settling
    /// and renewing may all be repeated, for the worst of it is a lock held for nothing.
    async fn with_retries<F>(&self, request: impl FnMut() -> F) -> Result<Answer, BusError>
    where
        F: Future<Output = Result<Answer, BusError>>,
    {
        let delays = ExponentialBuilder::new()
            .with_min_delay(PAUSE_MIN)
            .with_jitter()
            .with_max_times(TRIES_MAX - 1);
        request
            .retry(delays)
            .when(BusError::is_passing)
            .adjust(|error, delay| {
                let asked = error.retry_after().unwrap_or_default().min(RETRY_AFTER_MAX);
                delay.map(|delay| delay.max(asked))
            })
            .await
    }

    /// One request, and one more with a fresh token when the first one's was refused.
    async fn request(&self, method: Method, url: Url, limit: Duration) -> Result<Answer, BusError> {
        let request = || {
            let request = self.client.request(method.clone(), url.clone());
            match method {
                Method::GET => request.timeout(limit),
                // Azure's front end wants it said that there is no body.
                _ => request.timeout(limit).header(CONTENT_LENGTH, "0"),
            }
        };
        let unreachable = |error: reqwest::Error| match error.is_timeout() {
            true => BusError::TimedOut(limit),
            false => BusError::Unreachable {
                host: self.origin(),
                cause: root_cause(&error),
            },
        };
        let response = self.tokens.send(request).await;
        let response = response.map_err(|error| match error {
            RequestError::Token(error) => error.into(),
            RequestError::Http(error) => unreachable(error),
        })?;
        let answer = Answer {
            status: response.status(),
            headers: response.headers().clone(),
            body: response.bytes().await.map_err(unreachable)?,
        };
        if answer.status.is_success() {
            return Ok(answer);
        }
        Err(BusError::from_answer(
            answer.status,
            &answer.headers,
            &answer.body,
            self,
        ))
    }

    fn url(&self, below: &[&str]) -> Url {
        self.queue.url(below)
    }
}
