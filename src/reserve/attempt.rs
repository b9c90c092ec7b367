//! One attempt to store an order, as a span of its own where spans are exported. What it asks of the
//! storage then names that span, so the storage's log leads to the attempt.

use azure_app::trace::{Span, SpanKind, note};
use futures_util::future::Either;

use crate::order::Order;
use crate::store::{Put, StoreError};
use storage_account::StorageError;

/// What is put, as a template; the requests of one attempt are of it.
const URL: &str = "/{container}/{session}.json";

/// Runs the attempt `number` to store `order`.
pub(super) fn traced(
    order: &Order,
    number: u32,
    put: impl Future<Output = Result<Put, StoreError>>,
) -> impl Future<Output = Result<Put, StoreError>> {
    let name = || format!("PUT {URL}").into();
    let Some(mut span) = Span::begin(SpanKind::Client, name, order.trace) else {
        return Either::Right(put);
    };
    span.set("http.request.method", "PUT");
    span.set("url.template", URL);
    span.set("session.id", order.session.as_str().to_owned());
    span.set("order.attempt", i64::from(number));
    Either::Left(span.within(async {
        let put = put.await;
        note(|span| settle(span, &put));
        put
    }))
}

fn settle(span: &mut Span, put: &Result<Put, StoreError>) {
    match put {
        Ok(put) => {
            let outcome = match put {
                Put::Stored => "stored",
                Put::Superseded => "superseded",
            };
            span.set("order.outcome", outcome);
            span.done();
        }
        Err(error) => span.failed(kind(error), error.to_string()),
    }
}

/// The class of an error: of an answer its status.
fn kind(error: &StoreError) -> String {
    match error {
        StoreError::Storage(StorageError::Refused { status, .. }) => return status.to_string(),
        StoreError::Storage(StorageError::Unreachable(_)) => "unreachable",
        StoreError::Storage(StorageError::Credential(_)) => "no_token",
        StoreError::Storage(StorageError::Unexpected(_)) => "unexpected_answer",
        StoreError::TimedOut(_) | StoreError::Storage(StorageError::TimedOut(_)) => "timeout",
        StoreError::NoContainer(_) | StoreError::ContainerVanished => "no_container",
        StoreError::Contended(_) => "contended",
        StoreError::ConditionRefused(_) => "condition_refused",
        StoreError::Contradictory(_) => "contradictory",
    }
    .to_owned()
}
