//! One request to the receiver: `ExportTraceServiceRequest` of OTLP, and what its answer means.
//!
//! OTLP specification, "OTLP/HTTP".

use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::trace::SpanData;
use prost::Message as _;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use tokio::time::timeout;
use url::Url;

use super::settings::Export;
use crate::http_client::root_cause;

/// What is read of an answer, in bytes: it says how many spans were rejected.
const ANSWER_MAX: usize = 16 * 1024;

/// Who takes the spans.
pub(super) struct Receiver {
    client: reqwest::Client,
    url: Url,
    headers: HeaderMap,
    resource: ResourceAttributesWithSchema,
    timeout: Duration,
}

/// Why a batch was not taken. Quotes nothing that was sent: headers carry keys.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotTaken {
    /// Neither yes nor no.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// The innermost cause.
    #[error("unreachable: {0}")]
    Unreachable(String),
    /// No.
    #[error("the receiver answers {status}")]
    Refused {
        status: StatusCode,
        retry_after: Option<Duration>,
    },
}

impl NotTaken {
    /// Whether the same may be taken later.
    pub(super) fn passes(&self) -> bool {
        match self {
            Self::TimedOut(_) | Self::Unreachable(_) => true,
            Self::Refused { status, .. } => matches!(status.as_u16(), 429 | 502 | 503 | 504),
        }
    }

    /// How long the receiver asks to wait.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

impl Receiver {
    pub(super) fn new(export: Export, client: reqwest::Client) -> Self {
        Self {
            client,
            resource: (&export.resource).into(),
            url: export.url,
            headers: export.headers,
            timeout: export.timeout,
        }
    }

    /// A batch as it is sent.
    pub(super) fn encode(&self, spans: Vec<SpanData>) -> Vec<u8> {
        let request = ExportTraceServiceRequest {
            resource_spans: group_spans_by_resource_and_scope(spans, &self.resource),
        };
        request.encode_to_vec()
    }

    /// Sends a batch once; how many of its spans were rejected all the same.
    pub(super) async fn post(&self, batch: &[u8]) -> Result<usize, NotTaken> {
        let asked = timeout(self.timeout, self.ask(batch)).await;
        asked.unwrap_or(Err(NotTaken::TimedOut(self.timeout)))
    }

    async fn ask(&self, batch: &[u8]) -> Result<usize, NotTaken> {
        let request = self
            .client
            .post(self.url.clone())
            .headers(self.headers.clone())
            .header(CONTENT_TYPE, "application/x-protobuf")
            .body(batch.to_vec());
        let answer = request.send().await;
        let answer = answer.map_err(|error| NotTaken::Unreachable(root_cause(&error)))?;
        let status = answer.status();
        if !status.is_success() {
            let seconds = answer.headers().get(RETRY_AFTER);
            let seconds = seconds.and_then(|value| value.to_str().ok()?.trim().parse().ok());
            return Err(NotTaken::Refused {
                status,
                retry_after: seconds.map(Duration::from_secs),
            });
        }
        Ok(rejected(answer).await)
    }
}

/// The spans that a yes leaves out. An answer that is none of OTLP's leaves out none.
async fn rejected(mut answer: Response) -> usize {
    let mut body = Vec::new();
    while let Ok(Some(piece)) = answer.chunk().await {
        body.extend_from_slice(&piece);
        if body.len() > ANSWER_MAX {
            return 0;
        }
    }
    let answer = ExportTraceServiceResponse::decode(body.as_slice()).unwrap_or_default();
    let rejected = answer.partial_success.map_or(0, |it| it.rejected_spans);
    usize::try_from(rejected).unwrap_or_default()
}
