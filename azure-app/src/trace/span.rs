//! A piece of our own work within a trace, exported when it ends. Where nobody asked for that,
//! there are no spans, and looking for them costs one load.

use std::borrow::Cow;
use std::fmt;
use std::sync::OnceLock;

use opentelemetry::trace::{
    Link, Span as _, SpanContext, SpanId, SpanKind, Status, TraceContextExt as _, TraceFlags,
    TraceId, TraceState, Tracer as _,
};
use opentelemetry::{Context, Key, KeyValue, Value};
use opentelemetry_sdk::trace::SdkTracer;
use url::Url;

use super::TraceContext;

/// One for the process, as the log is.
static TRACER: OnceLock<SdkTracer> = OnceLock::new();

/// From now on spans come from `tracer`. False at the second call: the first tracer stays.
pub(crate) fn export_through(tracer: SdkTracer) -> bool {
    TRACER.set(tracer).is_ok()
}

/// Whether spans are exported, so that it pays to collect what they say.
#[must_use]
pub fn is_exported() -> bool {
    TRACER.get().is_some()
}

/// A span that is not over. It ends when it is dropped; when nobody said how ([`Self::done`],
/// [`Self::failed`]), it was cut off.
pub struct Span(Box<Open>); // futures hold it, and most of the time there is none

struct Open {
    span: opentelemetry_sdk::trace::Span,
    kind: SpanKind,
    has_peer: bool,
    status: Option<u16>,
    is_settled: bool,
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Span").field(&self.context()).finish()
    }
}

impl Span {
    /// Begins a span where spans are exported. Without a parent it begins a trace. A parent that
    /// its sender does not record makes one that is not exported either, as the sampler says.
    #[must_use]
    pub fn begin(
        kind: SpanKind,
        name: impl FnOnce() -> Cow<'static, str>,
        parent: Option<TraceContext>,
    ) -> Option<Self> {
        TRACER.get()?;
        Self::linked(kind, name, parent, &[])
    }

    /// The same, with links to what it comes from and is no part of.
    #[must_use]
    pub fn linked(
        kind: SpanKind,
        name: impl FnOnce() -> Cow<'static, str>,
        parent: Option<TraceContext>,
        links: &[TraceContext],
    ) -> Option<Self> {
        let tracer = TRACER.get()?;
        let links = links.iter().map(|it| Link::with_context(it.told(true)));
        let builder = tracer
            .span_builder(name())
            .with_kind(kind.clone())
            .with_links(links.collect());
        let mut above = Context::new();
        if let Some(parent) = parent {
            // Who asks others is within our own work; who is asked, mostly not.
            above = above.with_remote_span_context(parent.told(kind != SpanKind::Client));
        }
        Some(Self(Box::new(Open {
            span: tracer.build_with_context(builder, &above),
            kind,
            has_peer: false,
            status: None,
            is_settled: false,
        })))
    }

    /// Its place in its trace: what those are told whom it asks.
    #[must_use]
    pub fn context(&self) -> TraceContext {
        let context = self.0.span.span_context();
        TraceContext {
            trace: u128::from_be_bytes(context.trace_id().to_bytes()),
            span: u64::from_be_bytes(context.span_id().to_bytes()),
            flags: context.trace_flags().to_u8(),
        }
    }

    /// Notes an attribute: once each. Nothing secret, no body, no e-mail address.
    pub fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        let attribute = KeyValue::new(Key::from_static_str(name), value);
        self.0.span.set_attribute(attribute);
    }

    /// The same, if there is a value.
    pub fn set_some(&mut self, name: &'static str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }

    /// Who is asked: of several requests the first counts. Of a URL nothing but host and port is
    /// taken, for the rest may be a secret.
    pub fn asks(&mut self, url: &Url) {
        if self.0.kind == SpanKind::Client && !self.0.has_peer {
            self.0.has_peer = true;
            self.set_some("server.address", url.host_str().map(str::to_owned));
            self.set_some("server.port", url.port_or_known_default().map(i64::from));
        }
    }

    /// The answer to what it asked: of several the last counts.
    pub fn answered(&mut self, status: u16) {
        if self.0.kind == SpanKind::Client {
            self.0.status = Some(status);
        }
    }

    /// The status of that answer.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// It ends well.
    pub fn done(&mut self) {
        self.0.is_settled = true;
    }

    /// It ends badly: what kind of failure, one of few, and what there is to say of it.
    pub fn failed(&mut self, kind: impl Into<Value>, problem: impl Into<Cow<'static, str>>) {
        self.0.is_settled = true;
        self.set("error.type", kind);
        self.0.span.set_status(Status::error(problem));
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if let Some(status) = self.0.status {
            self.set("http.response.status_code", i64::from(status));
        }
        if self.0.is_settled {
            return;
        }
        match self.0.kind {
            _ if std::thread::panicking() => self.failed("panic", "a panic ended it"),
            // Whoever asks somebody has a time limit on that, and nothing else ends it.
            SpanKind::Client => self.failed("timeout", "no answer in time"),
            _ => self.failed("cancelled", "it was cut off"),
        }
    }
}

impl TraceContext {
    /// As the SDK has it. `remote`: whether it came from elsewhere.
    fn told(self, remote: bool) -> SpanContext {
        SpanContext::new(
            TraceId::from(self.trace),
            SpanId::from(self.span),
            TraceFlags::new(self.flags),
            remote,
            TraceState::NONE,
        )
    }
}
