//! The Logic App: one POST to its HTTP trigger, and only a 2xx counts.
//!
//! The body is version 2 of the trigger's schema, which stands in the workflow in `infra/`:
//! [`request`] writes it, with what [`shown`] and [`command`] make for a person to read.

mod command;
mod request;
mod shown;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use azure_app::http_client::root_cause;
use azure_app::trace::{Span, SpanKind};
use azure_core::credentials::TokenCredential;
use reqwest::Response;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use serde::Deserialize;
use tracing::warn;
use url::Url;

use super::{Fallback, FallbackError, Notice};
use crate::order::Delivery;
use request::FallbackRequest;
pub use request::operation_id;

/// How long a 2xx waits for its body, which decides nothing.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// What is read of it.
const ANSWER_MAX: usize = 16 * 1024;

/// The trigger of the workflow that mails an order to a person.
pub struct LogicApp {
    /// The trigger's URL; may carry a signature, so it is not for logs.
    pub url: Url,
    /// Who sends the request.
    pub client: reqwest::Client,
    /// How requests are authorized; `None` when the URL is signed, or open on a laptop.
    pub authorization: Option<Authorization>,
}

/// An Entra token with every request.
pub struct Authorization {
    /// Where the tokens come from.
    pub credential: Arc<dyn TokenCredential>,
    /// For what, as `https://management.azure.com/.default`.
    pub scope: String,
}

impl fmt::Debug for LogicApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogicApp")
            .field("host", &self.url.host_str())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorization")
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

impl LogicApp {
    async fn token(&self) -> Result<Option<String>, FallbackError> {
        let Some(Authorization { credential, scope }) = &self.authorization else {
            return Ok(None);
        };
        let token = credential.get_token(&[scope], None).await;
        let token = token.map_err(|error| FallbackError::Credential(root_cause(&error)))?;
        Ok(Some(format!("Bearer {}", token.token.secret())))
    }
}

impl Fallback for LogicApp {
    async fn send(&self, notice: &Notice<'_>) -> Result<(), FallbackError> {
        let mut span = self.span(notice);
        let sent = self.post(notice, span.as_mut()).await;
        if let Some(span) = &mut span {
            match &sent {
                Ok(()) => span.done(),
                Err(error) => span.failed(kind(error), error.to_string()),
            }
        }
        sent
    }
}

impl LogicApp {
    /// The span of one call, where spans are exported.
    fn span(&self, notice: &Notice<'_>) -> Option<Span> {
        let name = || "POST {FALLBACK_URL}".into();
        let mut span = Span::begin(SpanKind::Client, name, notice.delivery.trace)?;
        span.set("http.request.method", "POST");
        span.set("url.template", "{FALLBACK_URL}");
        span.set("order.attempts", i64::from(notice.reason.attempts()));
        span.asks(&self.url);
        Some(span)
    }

    async fn post(
        &self,
        notice: &Notice<'_>,
        span: Option<&mut Span>,
    ) -> Result<(), FallbackError> {
        let body = serde_json::to_vec(&FallbackRequest::new(notice)?)
            .map_err(|error| FallbackError::Unreachable(error.to_string()))?;
        let mut request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("x-ms-client-tracking-id", tracking_id(notice.delivery))
            .body(body);
        if let Some(token) = self.token().await? {
            request = request.header(AUTHORIZATION, token);
        }
        let here = span.as_ref().map(|span| span.context());
        if let Some(trace) = here.or(notice.delivery.trace) {
            request = request.header("traceparent", trace.to_string());
        }
        let answer = request.send().await;
        let answer = answer.map_err(|error| FallbackError::Unreachable(root_cause(&error)))?;
        let status = answer.status();
        if let Some(span) = span {
            span.answered(status.as_u16());
        }
        if !status.is_success() {
            return Err(FallbackError::Refused(status.as_u16()));
        }
        if !says_accepted(answer).await {
            warn!(
                status = status.as_u16(),
                operation_id = %operation_id(notice.delivery),
                "the fallback's yes does not say that a mail was accepted: \
                 it may come before its workflow has done anything"
            );
        }
        Ok(())
    }
}

/// The class of an error: of an answer its status.
fn kind(error: &FallbackError) -> String {
    match error {
        FallbackError::Refused(status) => return status.to_string(),
        FallbackError::TimedOut(_) => "timeout",
        FallbackError::Unreachable(_) => "unreachable",
        FallbackError::Withheld => "withheld",
        FallbackError::TooLong(_) => "too_long",
        FallbackError::Credential(_) => "no_token",
    }
    .to_owned()
}

/// What the workflow's run is found by: the trace, from the click on, where there is one; else the
/// operation, which line and mail name too.
fn tracking_id(delivery: &Delivery) -> String {
    match delivery.trace {
        Some(trace) => trace.trace_id().to_string(),
        None => operation_id(delivery).to_string(),
    }
}

/// The body of our workflow's yes.
#[derive(Deserialize)]
struct Accepted {
    status: String,
}

/// Whether the answer says what the workflow in `infra/` says: that the mail service took the mail.
/// It is no condition: a workflow of one's own may answer with a bare 2xx.
async fn says_accepted(mut answer: Response) -> bool {
    let read = async {
        let mut body = Vec::new();
        while let Ok(Some(piece)) = answer.chunk().await {
            body.extend_from_slice(&piece);
            if body.len() > ANSWER_MAX {
                break;
            }
        }
        body
    };
    let Ok(body) = tokio::time::timeout(ANSWER_TIMEOUT, read).await else {
        return false;
    };
    serde_json::from_slice(&body).is_ok_and(|answer: Accepted| answer.status == "accepted")
}
