//! The queue of spans that are over: bounded, and never waited for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};
use tokio::sync::mpsc;

/// Spans that wait at the most; one has a kilobyte or two.
pub(super) const WAITING_MAX: usize = 2_048;

/// Where spans are put.
#[derive(Debug)]
pub(super) struct Spans {
    queue: mpsc::Sender<SpanData>,
    count: Count,
}

/// How many there are.
#[derive(Clone, Debug, Default)]
pub(super) struct Count(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    /// In the queue, or in the sender's hands.
    waiting: AtomicUsize,
    /// Gone, and not told of yet.
    lost: AtomicUsize,
}

pub(super) fn queue() -> (Spans, mpsc::Receiver<SpanData>, Count) {
    let (queue, waiting) = mpsc::channel(WAITING_MAX);
    let count = Count::default();
    let spans = Spans {
        queue,
        count: count.clone(),
    };
    (spans, waiting, count)
}

impl Count {
    /// So many have arrived.
    pub(super) fn exported(&self, spans: usize) {
        self.0.waiting.fetch_sub(spans, Ordering::Relaxed);
    }

    /// So many that waited are given up.
    pub(super) fn given_up(&self, spans: usize) {
        self.exported(spans);
        self.lost(spans);
    }

    /// So many are gone.
    pub(super) fn lost(&self, spans: usize) {
        self.0.lost.fetch_add(spans, Ordering::Relaxed);
    }

    pub(super) fn waiting(&self) -> usize {
        self.0.waiting.load(Ordering::Relaxed)
    }

    /// What is gone since somebody asked last.
    pub(super) fn untold(&self) -> usize {
        self.0.lost.swap(0, Ordering::Relaxed)
    }

    /// The same when nothing is sent any more.
    pub(super) fn untold_at_the_end(&self) -> usize {
        self.untold() + self.0.waiting.swap(0, Ordering::Relaxed)
    }
}

impl SpanProcessor for Spans {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        // Recorded for who samples later, which nobody does here.
        if !span.span_context.is_sampled() {
            return;
        }
        // Counted first, so that the sender never takes off what is not there yet.
        self.count.0.waiting.fetch_add(1, Ordering::Relaxed);
        if self.queue.try_send(span).is_err() {
            self.count.given_up(1);
        }
    }

    /// Neither of these is called: an end is told to the sender itself, which need not block.
    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
    use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};

    use super::*;

    /// Nobody takes anything out of the queue: what ends goes on, and what does not fit is counted.
    #[tokio::test]
    async fn a_queue_that_is_full_holds_nobody_up_and_counts() {
        let (spans, mut waiting, count) = queue();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(spans)
            .build();
        let tracer = provider.tracer("test");
        for _ in 0..WAITING_MAX + 100 {
            tracer.start("work").end();
        }
        assert_eq!((count.waiting(), count.untold()), (WAITING_MAX, 100));
        assert_eq!(count.untold(), 0, "told once");
        // Room again.
        assert!(waiting.recv().await.is_some());
        count.exported(1);
        tracer.start("work").end();
        assert_eq!((count.waiting(), count.untold()), (WAITING_MAX, 0));
        count.given_up(WAITING_MAX - 1);
        assert_eq!(count.untold_at_the_end(), WAITING_MAX);
        // The sender is gone.
        drop(waiting);
        tracer.start("work").end();
        assert_eq!((count.waiting(), count.untold()), (0, 1));
    }

    #[test]
    fn what_is_not_sampled_takes_no_place() {
        let (spans, _waiting, count) = queue();
        let provider = SdkTracerProvider::builder()
            .with_sampler(Sampler::AlwaysOff)
            .with_span_processor(spans)
            .build();
        provider.tracer("test").start("work").end();
        assert_eq!((count.waiting(), count.untold()), (0, 0));
    }
}
