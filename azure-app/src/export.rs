//! Takes finished spans to who wants to see them: OTLP over HTTP, in protobuf.
//!
//! [`Export`] is where they go, by the standard settings; [`Exporter`] is what brings them there.
//! It must never harm the work that it tells of. So a span that is over goes into a queue that
//! never waits: what does not fit is counted and gone. One task of the same runtime sends what is
//! in it, a batch at a time, each request with a time limit, and says in one line now and then
//! what is lost.
//!
//! The SDK's own batching is a thread that blocks, and tells nobody what it drops; the official
//! OTLP exporter sleeps by blocking between its tries, unless it comes with a gRPC stack or an HTTP
//! client that is set up otherwise than ours. So of OpenTelemetry come the spans, their sampling
//! and their encoding, and the way there is our own client's.

mod queue;
mod receiver;
mod sender;
mod settings;

use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::warn;

use crate::trace;
pub use settings::{Export, SETTINGS};

/// How long a program's end waits for the last spans.
pub const LAST_SPANS: Duration = Duration::from_secs(2);

/// Sends spans as long as it lives.
#[derive(Debug)]
pub struct Exporter {
    end: watch::Sender<bool>,
    count: queue::Count,
    task: JoinSet<()>,
}

impl Exporter {
    /// From now on the process exports its spans, through `client`. Needs a runtime. The first call
    /// of a process counts.
    #[must_use]
    pub fn start(export: Export, client: reqwest::Client) -> Self {
        let (spans, waiting, count) = queue::queue();
        let provider = SdkTracerProvider::builder()
            .with_sampler(export.sampler.clone())
            .with_resource(export.resource.clone())
            .with_span_processor(spans)
            .build();
        let (end, told) = watch::channel(false);
        let mut task = JoinSet::new();
        if trace::export_through(provider.tracer(export.program)) {
            let receiver = receiver::Receiver::new(export, client);
            task.spawn(sender::run(receiver, waiting, count.clone(), told));
        }
        Self { end, count, task }
    }

    /// Sends what is left, for so long at most, and says what was lost.
    pub async fn finish(mut self, limit: Duration) {
        self.end.send_replace(true);
        let sent = timeout(limit, self.task.join_next()).await;
        let lost = self.count.untold_at_the_end();
        if sent.is_err() || lost > 0 {
            warn!(lost, "spans were not exported: the program ends");
        }
    }
}
