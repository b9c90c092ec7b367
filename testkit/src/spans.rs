//! Who takes spans: OTLP over HTTP in protobuf, as a collector would. It keeps what it gets.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use prost::Message as _;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// A span that arrived; ids in hexadecimal, as in `traceparent`.
#[derive(Clone, Debug)]
pub struct Exported {
    pub service: String,
    pub name: String,
    pub kind: SpanKind,
    pub trace: String,
    pub id: String,
    /// Empty for a root.
    pub parent: String,
    /// Trace and span of each.
    pub links: Vec<(String, String)>,
    /// Of the span.
    pub attributes: BTreeMap<String, String>,
    /// Of the program.
    pub resource: BTreeMap<String, String>,
    /// What the status says, if it says that it failed.
    pub failure: Option<String>,
}

impl Exported {
    /// An attribute, or nothing.
    pub fn get(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }

    /// As a `traceparent` names it.
    pub fn traceparent(&self) -> String {
        format!("00-{}-{}-01", self.trace, self.id)
    }
}

/// Reads the body of one request.
pub fn decode(body: &[u8]) -> Vec<Exported> {
    let request = ExportTraceServiceRequest::decode(body).expect("OTLP in protobuf");
    let mut spans = Vec::new();
    for of_program in request.resource_spans {
        let resource = of_program.resource.expect("a resource");
        let resource = attributes(&resource.attributes);
        for of_scope in of_program.scope_spans {
            spans.extend(of_scope.spans.into_iter().map(|it| exported(it, &resource)));
        }
    }
    spans
}

fn exported(span: Span, resource: &BTreeMap<String, String>) -> Exported {
    let (begin, end) = (span.start_time_unix_nano, span.end_time_unix_nano);
    assert!(begin > 0 && end >= begin, "{span:?}");
    assert_eq!((span.trace_id.len(), span.span_id.len()), (16, 8));
    let failed = span.status.as_ref();
    let failed = failed.filter(|status| status.code() == StatusCode::Error);
    let attributes_of_it = attributes(&span.attributes);
    assert_eq!(
        attributes_of_it.len(),
        span.attributes.len(),
        "each once: {span:?}"
    );
    Exported {
        service: resource.get("service.name").cloned().unwrap_or_default(),
        kind: span.kind(),
        trace: hex(&span.trace_id),
        id: hex(&span.span_id),
        parent: hex(&span.parent_span_id),
        links: span
            .links
            .iter()
            .map(|link| (hex(&link.trace_id), hex(&link.span_id)))
            .collect(),
        attributes: attributes_of_it,
        resource: resource.clone(),
        failure: failed.map(|status| status.message.clone()),
        name: span.name,
    }
}

fn attributes(all: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |value: &Option<AnyValue>| match value.as_ref().and_then(|it| it.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        other => panic!("no attribute of ours: {other:?}"),
    };
    let pairs = all.iter().map(|it| (it.key.clone(), text(&it.value)));
    pairs.collect()
}

fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

type Received = Arc<Mutex<(Vec<Exported>, Vec<HeaderMap>)>>;

/// A running receiver; it ends when it is dropped.
#[derive(Debug)]
pub struct SpanReceiver {
    pub address: SocketAddr,
    received: Received,
    _serving: JoinSet<()>,
}

impl SpanReceiver {
    pub async fn start() -> Self {
        Self::start_on(crate::net::listener().await)
    }

    pub fn start_on(listener: TcpListener) -> Self {
        let received = Received::default();
        let router = Router::new()
            .route("/v1/traces", post(take))
            .with_state(Arc::clone(&received));
        let address = listener.local_addr().expect("an address");
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, router).await.expect("serves") });
        Self {
            address,
            received,
            _serving: serving,
        }
    }

    /// As `OTEL_EXPORTER_OTLP_ENDPOINT` has it.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What has arrived.
    pub fn spans(&self) -> Vec<Exported> {
        self.received.lock().expect("whole").0.clone()
    }

    /// The headers of each request.
    pub fn headers(&self) -> Vec<HeaderMap> {
        self.received.lock().expect("whole").1.clone()
    }

    /// Waits for spans that `wanted` takes, as many as `count`; exactly these there are then.
    pub async fn wait(&self, count: usize, wanted: impl Fn(&Exported) -> bool) -> Vec<Exported> {
        let find = || {
            let spans = self.spans().into_iter();
            spans.filter(|span| wanted(span)).collect::<Vec<_>>()
        };
        crate::until("so many spans", || find().len() >= count).await;
        let found = find();
        assert_eq!(found.len(), count, "{found:#?}");
        found
    }
}

async fn take(State(received): State<Received>, headers: HeaderMap, body: Bytes) -> Vec<u8> {
    assert_eq!(headers["content-type"], "application/x-protobuf");
    let mut received = received.lock().expect("whole");
    received.0.extend(decode(&body));
    received.1.push(headers);
    Vec::new()
}
