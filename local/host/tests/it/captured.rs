//! The requests of this host, held against those that a real one (4.1037) sent for the same
//! messages, byte for byte. What is new in every run is replaced on both sides: GUIDs and times, of
//! which the form counts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bus::{
    Accepted, DeadLetter, DeadLetterReason, Message, Queue, QueueOptions, RestDoor, RestOptions,
};
use host::app::FunctionApp;
use host::{Host, HostOptions};
use serde_json::{Map, Value, json};
use stand_in::Clock;
use testkit::fixture::{AppFolder, settings};
use testkit::workspace;
use time::OffsetDateTime;

use crate::raw::{RawHandler, Reply};

const SINGLE: &str = include_str!("../captured/single.jsonl");
const BATCH: &str = include_str!("../captured/batch.jsonl");

/// Values that are new in every run.
const NEW: [&str; 14] = [
    "SessionLockedUntil",
    "Identifier",
    "LockToken",
    "ExpiresAtUtc",
    "ExpiresAt",
    "EnqueuedTimeUtc",
    "EnqueuedTime",
    "UtcNow",
    "RandGuid",
    "LockTokenArray",
    "ExpiresAtUtcArray",
    "ExpiresAtArray",
    "EnqueuedTimeUtcArray",
    "EnqueuedTimeArray",
];

/// Digits and the letters of GUIDs, each as a 0; of fractions only that there is one, where it has
/// as many digits as it needs.
fn form(key: &str, value: &str) -> String {
    let value = match key {
        "Identifier" => value.split_once('-').expect("name-guid").1,
        _ => value,
    };
    let mut form = value.replace(|c: char| c.is_ascii_hexdigit(), "0");
    let fractions = key.ends_with("Array") || ["SessionLockedUntil", "UtcNow"].contains(&key);
    while fractions && form.contains('.') {
        let at = form.find('.').expect("found");
        let digits = form[at + 1..]
            .bytes()
            .take_while(|byte| *byte == b'0')
            .count();
        form.replace_range(at..=at + digits, "");
    }
    form
}

/// The text with the forms of such values in their places.
fn masked(body: &str) -> String {
    // In the order of their names, a longer one does not begin like a shorter one with its quotes.
    let mut body = body.to_owned();
    for key in NEW {
        let name = format!("\"{key}\":\"");
        let mut from = 0;
        while let Some(at) = body[from..].find(&name) {
            let start = from + at + name.len();
            let text = &body[start..];
            let ends = |at: &usize| !text[..*at].ends_with('\\');
            let end = text
                .match_indices('"')
                .map(|(at, _)| at)
                .find(ends)
                .expect("an end");
            let form = form(key, &text[..end]);
            body.replace_range(start..start + end, &form);
            from = start + form.len();
        }
    }
    body
}

fn assert_same(found: &str, expected: &str, what: &str) {
    assert_eq!(masked(found), masked(expected), "{what}");
}

/// A queue with its REST door, and a handler for a host of such a function.
struct Stage {
    queue: Queue,
    door: RestDoor,
    handler: RawHandler,
    app: AppFolder,
    client: reqwest::Client,
}

impl Stage {
    async fn open(captured: &Value) -> Self {
        let app = AppFolder::copy_of(&workspace());
        let text = |key: &str, or: &str| captured[key].as_str().unwrap_or(or).to_owned();
        let (data_type, cardinality) = (text("dataType", "binary"), text("cardinality", "one"));
        let sessions = captured["isSessionsEnabled"] == true;
        for (from, to) in [
            (
                "\"dataType\": \"binary\"",
                format!("\"dataType\": \"{data_type}\""),
            ),
            (
                "\"cardinality\": \"one\"",
                format!("\"cardinality\": \"{cardinality}\""),
            ),
            (
                "\"isSessionsEnabled\": false",
                format!("\"isSessionsEnabled\": {sessions}"),
            ),
        ] {
            app.replace("OrderItemsReserver/function.json", from, &to);
        }
        let options = QueueOptions {
            sessions,
            ..QueueOptions::default()
        };
        let queue = Queue::new("order-items", options, Clock::new());
        let options = RestOptions {
            queues: vec![queue.clone()],
            ..RestOptions::default()
        };
        let door = RestDoor::start(testkit::net::listener().await, options).expect("a door");
        Self {
            queue,
            door,
            handler: RawHandler::start(|_| Reply::done()).await,
            app,
            client: testkit::net::client(),
        }
    }

    fn host(&self, overrides: &[(&str, &str)]) -> Host {
        let app = FunctionApp::load(self.app.path(), settings(overrides)).expect("our files");
        let options = HostOptions {
            app,
            handler_url: Some(self.handler.url.clone()),
            traces: false,
        };
        Host::start(options, self.queue.clone()).expect("a host").0
    }

    /// The queue gives this number next.
    fn count_from(&self, sequence: u64) {
        let enqueued = OffsetDateTime::UNIX_EPOCH;
        self.queue.add_dead_letter(DeadLetter {
            accepted: Accepted {
                sequence: sequence - 1,
                enqueued,
                expires: enqueued,
                message: Message::new("x"),
            },
            delivery_count: 10,
            at: enqueued,
            reason: DeadLetterReason::MaxDeliveryCountExceeded,
        });
    }

    async fn send(
        &self,
        body: Vec<u8>,
        content_type: &str,
        properties: &Value,
        headers: &Map<String, Value>,
    ) {
        let url = format!("{}/order-items/messages", self.door.url());
        let mut request = self.client.post(url).body(body);
        request = request.header("Content-Type", content_type);
        request = request.header("BrokerProperties", ascii(&properties.to_string()));
        for (name, value) in headers {
            request = request.header(name, value.as_str().expect("text"));
        }
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), 201);
    }

    /// The body of the next request, its chunks put together.
    async fn body(&mut self) -> String {
        let request = self.handler.request().await;
        let (_, mut chunks) = request.split_once("\r\n\r\n").expect("a head");
        let mut body = String::new();
        while let Some((length, rest)) = chunks.split_once("\r\n") {
            let length = usize::from_str_radix(length, 16).expect("a length");
            body.push_str(&rest[..length]);
            chunks = rest[length..].strip_prefix("\r\n").expect("a line end");
        }
        body
    }
}

/// Other characters as a header can have them.
fn ascii(json: &str) -> String {
    let mut text = String::new();
    for unit in json.encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii() => text.push(char::from(byte)),
            _ => text.push_str(&format!("\\u{unit:04x}")),
        }
    }
    text
}

#[tokio::test]
async fn single_messages() {
    let all: Vec<Value> = SINGLE
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(all.len(), 68);
    let of = |it: &Value| (it["dataType"].clone(), it["isSessionsEnabled"].clone());
    for same in all.chunk_by(|a, b| of(a) == of(b)) {
        let mut stage = Stage::open(&same[0]).await;
        let host = stage.host(&[(
            "AzureFunctionsJobHost__extensions__serviceBus__sessionIdleTimeout",
            "00:00:00.001",
        )]);
        for captured in same {
            let message = &captured["message"];
            let body = message["body_base64"].as_str().expect("text");
            let body = STANDARD.decode(body).expect("base64");
            // The sender had set none, and its library this one.
            let content_type = message["content_type"].as_str();
            let content_type = content_type.unwrap_or("application/x-www-form-urlencoded");
            let properties = &message["broker_properties"];
            let headers = message["application_properties_as_rest_headers"].as_object();
            let headers = headers.expect("an object");
            stage.send(body, content_type, properties, headers).await;
            let mut expected = captured["request_body"].as_str().expect("text").to_owned();
            for name in headers.keys() {
                // Names of headers have no case here.
                let lower = format!("\"{}\":", name.to_lowercase());
                expected = expected.replace(&format!("\"{name}\":"), &lower);
            }
            assert_same(&stage.body().await, &expected, &message.to_string());
        }
        host.stop().await;
    }
}

#[tokio::test]
async fn batches() {
    for line in BATCH.lines() {
        let captured: Value = serde_json::from_str(line).expect("JSON");
        let mut stage = Stage::open(&captured).await;
        let expected = captured["request_body"].as_str().expect("text");
        let body: Value = serde_json::from_str(expected).expect("JSON");
        let metadata = |key: &str| -> Vec<Value> {
            serde_json::from_str(body["Metadata"][key].as_str().expect(key)).expect("JSON")
        };
        stage.count_from(
            metadata("SequenceNumberArray")[0]
                .as_u64()
                .expect("a number"),
        );
        let bodies: Vec<String> =
            serde_json::from_str(body["Data"]["order"].as_str().expect("text")).expect("JSON");
        for (index, body) in bodies.into_iter().enumerate() {
            let body = match captured["dataType"].as_str() {
                Some("binary") => STANDARD.decode(body).expect("base64"),
                _ => body.into_bytes(),
            };
            let properties: Map<String, Value> = [
                ("MessageId", "MessageIdArray"),
                ("Label", "SubjectArray"),
                ("CorrelationId", "CorrelationIdArray"),
                ("SessionId", "SessionIdArray"),
            ]
            .map(|(name, key)| (name.to_owned(), metadata(key)[index].clone()))
            .into_iter()
            .collect();
            let own = metadata("ApplicationPropertiesArray")[index].clone();
            let own = own.as_object().expect("an object").iter();
            let headers = own.map(|(name, value)| (name.clone(), value.to_string().into()));
            let (properties, headers) = (properties.into(), headers.collect());
            stage
                .send(body, "application/json", &properties, &headers)
                .await;
        }
        let expected = expected.replace("{\\\"Prop\\\":", "{\\\"prop\\\":");
        let host = stage.host(&[]);
        assert_same(&stage.body().await, &expected, line);
        host.stop().await;
    }
}

/// A whole request with its masks: also the port, the ids and the lengths that follow from the
/// body's fractions of a second.
fn masked_request(request: &str) -> String {
    let (head, body) = request.split_once("\r\n\r\n").expect("a head");
    let head = head.split("\r\n").map(|line| {
        let (name, value) = line.split_once(": ").unwrap_or((line, ""));
        match name {
            // A port has as many digits as it needs.
            "Host" => format!("{name}: 127.0.0.1:…"),
            "X-Azure-Functions-InvocationId" | "Content-Length" => {
                format!(
                    "{name}: {}",
                    value.replace(|c: char| c.is_ascii_hexdigit(), "0")
                )
            }
            "traceparent" => {
                let parts: Vec<&str> = value.split('-').collect();
                assert_eq!(parts[2].len(), 16);
                format!("{name}: {}-{}-…-{}", parts[0], parts[1], parts[3])
            }
            _ => line.to_owned(),
        }
    });
    let head: Vec<String> = head.collect();
    let body = match body.split_once("\r\n") {
        Some((length, chunk)) => {
            let length = usize::from_str_radix(length, 16).expect("a length");
            let (chunk, end) = chunk.split_at(length);
            format!("…\r\n{}{end}", masked(chunk))
        }
        None => masked(body),
    };
    format!("{}\r\n\r\n{body}", head.join("\r\n"))
}

#[tokio::test]
async fn whole_requests() {
    let core_tools = ("FUNCTIONS_CORETOOLS_ENVIRONMENT", "true");
    let insights = (
        "APPLICATIONINSIGHTS_CONNECTION_STRING",
        "InstrumentationKey=0",
    );
    let trace = "\"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\"";
    for (expected, mode, body, own) in [
        (
            include_str!("../captured/azure.request"),
            None,
            "{\"id\":\"A\",\"n\":1}",
            None,
        ),
        (
            include_str!("../captured/core-tools.request"),
            Some(core_tools),
            "{\"a\":1}",
            None,
        ),
        (
            include_str!("../captured/traced.request"),
            Some(insights),
            "{\"a\":1}",
            Some(("Diagnostic-Id", trace)),
        ),
    ] {
        let mut stage = Stage::open(&Value::Null).await;
        let host = stage.host(mode.as_slice());
        let headers = own
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.into()));
        // Its broker had given it an id.
        let id = expected
            .split("\"MessageId\":\"\\\"")
            .nth(1)
            .expect("an id");
        let id = id.split('\\').next().expect("an end");
        let properties = json!({ "MessageId": id });
        let headers = headers.collect();
        stage
            .send(body.into(), "application/json", &properties, &headers)
            .await;
        let expected = expected.replace("\"Diagnostic-Id\":", "\"diagnostic-id\":");
        let found = stage.handler.request().await;
        assert_eq!(masked_request(&found), masked_request(&expected));
        host.stop().await;
    }
}

#[tokio::test]
async fn a_long_body_comes_in_chunks_of_1024_bytes() {
    let mut stage = Stage::open(&Value::Null).await;
    let host = stage.host(&[]);
    stage
        .queue
        .enqueue(Message::new("x".repeat(100_000)))
        .expect("accepted");
    let request = stage.handler.request().await;
    let (_, mut chunks) = request.split_once("\r\n\r\n").expect("a head");
    let mut lengths = Vec::new();
    while let Some((length, rest)) = chunks.split_once("\r\n") {
        let length = usize::from_str_radix(length, 16).expect("a length");
        lengths.push(length);
        chunks = &rest[length + 2..];
    }
    assert_eq!(lengths.pop(), Some(0));
    assert!(lengths.iter().sum::<usize>() > 100_000_usize.div_ceil(3) * 4);
    let last = lengths.pop().expect("a chunk");
    assert!((1..=1024).contains(&last), "{last}");
    assert!(lengths.iter().all(|length| *length == 1024), "{lengths:?}");
    host.stop().await;
}

#[tokio::test]
async fn without_application_insights_there_is_no_trace_and_with_it_one_for_every_message() {
    let mut stage = Stage::open(&Value::Null).await;
    let insights = ("APPINSIGHTS_INSTRUMENTATIONKEY", "0");
    let host = stage.host(&[insights]);
    stage.queue.enqueue(Message::new("x")).expect("accepted");
    let request = stage.handler.request().await;
    let trace = request
        .lines()
        .find_map(|line| line.strip_prefix("traceparent: "));
    let trace = trace.expect("a trace");
    assert!(
        trace.starts_with("00-") && trace.ends_with("-00") && trace.len() == 55,
        "{trace}"
    );
    host.stop().await;
    let host = stage.host(&[]);
    stage.queue.enqueue(Message::new("x")).expect("accepted");
    assert!(!stage.handler.request().await.contains("traceparent"));
    host.stop().await;
}
