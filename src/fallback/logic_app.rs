//! The Logic App: one POST to its HTTP trigger, and only a 2xx counts.

use std::{fmt, sync::Arc};

use azure_core::credentials::TokenCredential;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use url::Url;

use super::{Fallback, FallbackError, Notice, operation_id, request::Request};
use azure_app::http_client::root_cause;

/// The trigger of the workflow that mails an order to a person.
pub struct LogicApp {
    /// The trigger's URL; may carry a signature, so it is not for logs.
    pub url: Url,
    /// The HTTP client of the process.
    pub client: reqwest::Client,
    /// How requests are authorized; `None` when the URL is signed, or open on a laptop.
    pub authorization: Option<Authorization>,
}

/// An Entra token with every request.
pub struct Authorization {
    /// Whose token.
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
        let body = serde_json::to_vec(&Request::new(notice)?)
            .map_err(|error| FallbackError::Unreachable(error.to_string()))?;
        let mut request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(
                "x-ms-client-tracking-id",
                operation_id(notice.delivery).to_string(),
            )
            .body(body);
        if let Some(token) = self.token().await? {
            request = request.header(AUTHORIZATION, token);
        }
        if let Some(traceparent) = &notice.delivery.traceparent {
            request = request.header("traceparent", traceparent);
        }
        let answer = request.send().await;
        let status = answer
            .map_err(|error| FallbackError::Unreachable(root_cause(&error)))?
            .status();
        if status.is_success() {
            Ok(())
        } else {
            Err(FallbackError::Refused(status.as_u16()))
        }
    }
}
