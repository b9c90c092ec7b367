//! Tells the storage which trace a request belongs to: its own log then leads from a blob to the
//! click. And tells the span that asks who was asked, and what the answer was.

use std::sync::Arc;

use async_trait::async_trait;
use azure_app::trace::{current, note};
use azure_core::error::ErrorKind;
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{Context, Request};

/// Adds `traceparent`, where the work that sends is within a trace.
#[derive(Debug)]
pub(crate) struct TracePolicy;

#[async_trait]
impl Policy for TracePolicy {
    async fn send(
        &self,
        context: &Context,
        request: &mut Request,
        next: &[Arc<dyn Policy>],
    ) -> PolicyResult {
        if let Some(trace) = current() {
            request.insert_header("traceparent", trace.to_string());
        }
        let Some((policy, rest)) = next.split_first() else {
            return Err(azure_core::Error::with_message(
                ErrorKind::Other,
                "the pipeline ends without a transport",
            ));
        };
        note(|span| span.asks(request.url()));
        let answer = policy.send(context, request, rest).await;
        if let Ok(answer) = &answer {
            note(|span| span.answered(answer.status().into()));
        }
        answer
    }
}
