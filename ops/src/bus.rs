//! The dead-letter queue over REST: receive under lock, delete, unlock, renew, count.
//!
//! Spec: "Peek-Lock Message", "Delete Message", "Unlock Message", "Renew-Lock for a Message" and
//! "Get queue" of the Service Bus REST API.

mod counts;
mod error;
mod wire;

use std::{cell::Cell, time::Duration};

use reqwest::{Method, StatusCode};
use url::Url;

use crate::letter::{Letter, Lock};
pub use counts::{Counts, CountsError};
pub use error::BusError;
pub use service_bus::TokenError;
use service_bus::{Queue, Tokens};

/// Time limit of a request, on top of what the broker was asked to wait.
const LIMIT: Duration = Duration::from_secs(30);

const DEAD_LETTERS: &str = "$deadletterqueue";

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
            .persistently(|| self.once(Method::POST, url.clone(), wait + LIMIT))
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
        let asked = self.persistently(|| self.once(Method::GET, url.clone(), LIMIT));
        Counts::read(&asked.await?.body)
    }

    async fn settle(&self, method: Method, lock: &Lock) -> Result<(), BusError> {
        let url = self.place(lock);
        let unclear = Cell::new(false);
        let settling = self.persistently(|| async {
            let answer = self.once(method.clone(), url.clone(), LIMIT).await;
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
    pub fn place(&self, lock: &Lock) -> Url {
        let place = &lock.place;
        let location = place.location.clone();
        let ours =
            location.filter(|location| location.origin() == self.queue.connection.base.origin());
        let number = place.sequence.to_string();
        ours.unwrap_or_else(|| self.url(&[DEAD_LETTERS, "messages", &number, &place.token]))
    }

    fn url(&self, below: &[&str]) -> Url {
        self.queue.url(below)
    }
}
