//! One request on the wire: time limit, token, retries, and what a refusal means.

use std::{future::Future, time::Duration};

use backon::{ExponentialBuilder, Retryable as _};
use bytes::Bytes;
use order_items_reserver::azure_app::http_client::root_cause;
use reqwest::{
    Method, StatusCode,
    header::{CONTENT_LENGTH, HeaderMap},
};
use service_bus::RequestError;
use url::Url;

use super::{Bus, BusError};

/// Tries of a request that failed for a passing reason.
const TRIES: usize = 4;

/// The first pause between two tries; the next ones double it.
const PAUSE: Duration = Duration::from_millis(250);

/// The longest pause that `Retry-After` can ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(30);

/// An answer, whole.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Bus {
    /// The request, and up to three more while it fails for a passing reason.
    pub(super) async fn persistently<F>(
        &self,
        request: impl FnMut() -> F,
    ) -> Result<Answer, BusError>
    where
        F: Future<Output = Result<Answer, BusError>>,
    {
        let delays = ExponentialBuilder::new()
            .with_min_delay(PAUSE)
            .with_jitter()
            .with_max_times(TRIES - 1);
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
    pub(super) async fn once(
        &self,
        method: Method,
        url: Url,
        limit: Duration,
    ) -> Result<Answer, BusError> {
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
        Err(BusError::of(
            answer.status,
            &answer.headers,
            &answer.body,
            self,
        ))
    }
}
