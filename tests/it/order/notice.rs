//! The fallback request, version 1, as a workflow receives it.

use std::fs;
use std::net::Ipv4Addr;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use azure_app::http_client;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use order_items_reserver::fallback::logic_app::{LogicApp, operation_id};
use order_items_reserver::fallback::{Fallback as _, FallbackError, Notice, Reason};
use order_items_reserver::order::{Delivery, Order, SequenceNumber};
use order_items_reserver::retry::Exhausted;
use order_items_reserver::store::StoreError;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use url::Url;

use super::{SESSION, bare, of_session};

type Received = (HeaderMap, Bytes);

/// A workflow on loopback that answers every POST with one status and shows what came.
pub(crate) struct Workflow {
    pub(crate) url: Url,
    received: mpsc::UnboundedReceiver<Received>,
    _server: JoinSet<()>,
}

impl Workflow {
    pub(crate) async fn answering(status: u16) -> Self {
        let (sender, received) = mpsc::unbounded_channel();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}/invoke?sig=x", listener.local_addr().unwrap());
        let status = StatusCode::from_u16(status).unwrap();
        let app = Router::new()
            .fallback(
                async move |State(sender): State<mpsc::UnboundedSender<Received>>,
                            headers: HeaderMap,
                            body: Bytes| {
                    sender.send((headers, body)).unwrap();
                    (status, [("location", "/elsewhere")])
                },
            )
            .with_state(sender);
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self {
            url: url.parse().unwrap(),
            received,
            _server: server,
        }
    }

    pub(crate) fn fallback(&self) -> LogicApp {
        LogicApp {
            url: self.url.clone(),
            client: http_client::build("test").unwrap(),
            authorization: None,
        }
    }

    /// The next request; each test knows that there is one.
    pub(crate) async fn next(&mut self) -> Received {
        let safety_net = Duration::from_secs(60);
        let received = tokio::time::timeout(safety_net, self.received.recv());
        received.await.expect("a request").unwrap()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.received.is_empty()
    }
}

fn not_confirmed() -> Reason {
    Reason::NotConfirmed(Exhausted {
        attempts: 4,
        last: StoreError::Refused {
            status: 503,
            code: Some("ServerBusy".to_owned()),
            retry_after: None,
        },
    })
}

async fn send(workflow: &mut Workflow, delivery: &Delivery) -> Received {
    let parsed = Order::parse(delivery);
    let (order, reason) = match parsed {
        Ok(order) => (Some(order), not_confirmed()),
        Err(error) => (None, Reason::Unreadable(error)),
    };
    let notice = Notice {
        delivery,
        order: order.as_ref(),
        reason: &reason,
    };
    workflow.fallback().send(&notice).await.unwrap();
    workflow.next().await
}

async fn sent(delivery: &Delivery) -> Received {
    send(&mut Workflow::answering(202).await, delivery).await
}

fn delivered(body: impl Into<bytes::Bytes>) -> Delivery {
    Delivery {
        body: body.into(),
        message_id: Some("a3f0c2de-5b1c-4b6e-9a51-0d5c6b1f7e42".to_owned()),
        session_id: Some(SESSION.to_owned()),
        sequence_number: Some(SequenceNumber(8412)),
        enqueued: Some("2026-05-04T09:30:10+00:00".parse().unwrap()),
        delivery_count: Some(1),
        traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()),
    }
}

fn golden(name: &str) -> String {
    fs::read_to_string(format!(
        "{}/tests/it/golden/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    ))
    .unwrap()
}

#[tokio::test]
async fn a_notice_is_version_1_byte_for_byte() {
    let order = concat!(
        "\n{ \"id\":\"E7DBA502A3B795953DDE76EA965EBBF3\",\t\"x\":1.10,",
        r#" "x":[123456789012345678901234567890,"\u00e9\/Köln 🐠"] }"#,
        "\r\n"
    );
    for (delivery, name) in [
        (delivered(order), "notice-order"),
        (delivered("Order(\"Köln\")"), "notice-poison"),
        (bare("{}"), "notice-bare"),
    ] {
        let (headers, body) = sent(&delivery).await;
        assert_eq!(
            String::from_utf8(body.to_vec()).unwrap(),
            golden(name),
            "{name}"
        );
        assert_eq!(headers["content-type"], "application/json");
        let traceparent = headers
            .get("traceparent")
            .map(|value| value.to_str().unwrap());
        assert_eq!(traceparent, delivery.traceparent.as_deref());
        let tracking = headers["x-ms-client-tracking-id"].to_str().unwrap();
        assert!(golden(name).contains(&format!("\"operationId\":\"{tracking}\"")));
    }
}

#[tokio::test]
async fn the_whole_order_stands_in_it_out_of_its_wrapper() {
    let mut workflow = Workflow::answering(202).await;
    let deep = format!(
        r#"{{"id":"S","x":{}{}}}"#,
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    let large = format!(r#"{{"id":"S","x":"{}"}}"#, "ü".repeat(120_000));
    for order in [
        r#"{"id":"S"}"#,
        r#"{"id" : "S", "n":-0.0, "e":1E+2, "s":"\ud800"}"#,
        &deep,
        &large,
    ] {
        let wrapped = serde_json::json!({"sessionId": "S", "payload": order}).to_string();
        for body in [order.to_owned(), wrapped] {
            let (_, body) = send(&mut workflow, &bare(body)).await;
            let text = std::str::from_utf8(&body).unwrap();
            let expected = format!(r#","order":{order},"failure":{{"#);
            assert!(text.contains(&expected), "{text:.200}");
            assert!(!text.contains("rawBody"));
        }
    }
}

async fn raw_body(workflow: &mut Workflow, body: &[u8]) -> Value {
    let (_, request) = send(workflow, &of_session("S", body.to_vec())).await;
    let mut request: Value = serde_json::from_slice(&request).unwrap();
    assert_eq!(request["order"], Value::Null, "no order in a poison notice");
    assert_eq!(request["failure"]["attempts"], 0);
    request["rawBody"].take()
}

#[tokio::test]
async fn a_raw_body_is_text_where_a_mail_can_show_it() {
    let mut workflow = Workflow::answering(202).await;
    for text in [
        "",
        " ",
        "Order(id=1)",
        "tab\tline\nline\r\n",
        "käufer 🐠",
        "{\"id\":",
        "\"quoted\" \\ back",
        "\u{a0}\u{202e}",
    ] {
        let raw = raw_body(&mut workflow, text.as_bytes()).await;
        assert_eq!(raw["encoding"], "utf-8", "{text:?}");
        assert_eq!(raw["data"], text);
        assert_eq!(raw["length"], text.len());
        assert_eq!(raw["truncated"], false);
    }
    let not_text: [&[u8]; 8] = [
        b"\0",
        b"a\x1b[31m",
        b"\x7f",
        b"\x0b",
        b"\xc2\x85",
        b"\xff\xfe{",
        b"{\"id\":\"k\xe4ufer\"}",
        b"\xf0\x9f\x90",
    ];
    for bytes in not_text {
        let raw = raw_body(&mut workflow, bytes).await;
        assert_eq!(raw["encoding"], "base64", "{bytes:?}");
        assert_eq!(
            STANDARD.decode(raw["data"].as_str().unwrap()).unwrap(),
            bytes
        );
        assert_eq!(raw["length"], bytes.len());
        assert_eq!(raw["truncated"], false);
    }
}

#[tokio::test]
async fn a_raw_body_is_handed_over_whole_or_not_at_all() {
    const MAX: usize = 256 * 1024;
    let mut workflow = Workflow::answering(202).await;
    for body in ["x".repeat(MAX), "🐠".repeat(MAX / 4)] {
        let raw = raw_body(&mut workflow, body.as_bytes()).await;
        assert_eq!(raw["encoding"], "utf-8");
        assert_eq!(raw["length"], MAX);
        assert!(raw["data"] == body);
    }
    let bytes: Vec<u8> = (0..MAX).map(|at| u8::try_from(at % 251).unwrap()).collect();
    let raw = raw_body(&mut workflow, &bytes).await;
    assert_eq!(raw["encoding"], "base64");
    assert!(STANDARD.decode(raw["data"].as_str().unwrap()).unwrap() == bytes);
    let late = format!("{}\0", "x".repeat(MAX - 1));
    let raw = raw_body(&mut workflow, late.as_bytes()).await;
    assert_eq!(raw["encoding"], "base64", "judged by the whole body");

    let longer = delivered("x".repeat(MAX + 1));
    let notice = Notice {
        delivery: &longer,
        order: None,
        reason: &Reason::Unreadable(Order::parse(&longer).unwrap_err()),
    };
    let refused = workflow.fallback().send(&notice).await;
    assert_eq!(refused, Err(FallbackError::TooLong(MAX + 1)));
    assert!(workflow.is_empty(), "nobody may take a part of it");
}

#[test]
fn an_operation_is_the_same_for_every_delivery_of_a_message() {
    let first = delivered("{}");
    let again = Delivery {
        delivery_count: Some(9),
        sequence_number: None,
        enqueued: None,
        traceparent: None,
        session_id: None,
        body: "other form".into(),
        ..first.clone()
    };
    assert_eq!(operation_id(&first), operation_id(&again));
    assert_eq!(
        operation_id(&first).to_string(),
        "541bd3ee-e90e-5bda-8d0c-31b70477c372"
    );
    let other = Delivery {
        message_id: Some("a3f0c2de-5b1c-4b6e-9a51-0d5c6b1f7e43".to_owned()),
        ..first.clone()
    };
    assert_ne!(operation_id(&first), operation_id(&other));
    assert_eq!(operation_id(&bare("a")), operation_id(&bare("a")));
    assert_ne!(operation_id(&bare("a")), operation_id(&bare("b")));
}

/// An empty id names no message: two orders may not pass for one operation.
#[test]
fn messages_with_an_empty_id_are_different_operations() {
    let unnamed = |body: &'static str| Delivery {
        message_id: Some(String::new()),
        ..delivered(body)
    };
    assert_ne!(operation_id(&unnamed("a")), operation_id(&unnamed("b")));
}

#[tokio::test]
async fn only_a_2xx_of_the_workflow_is_a_yes() {
    for status in [
        200, 202, 204, 301, 302, 307, 400, 401, 404, 408, 429, 500, 503,
    ] {
        let mut workflow = Workflow::answering(status).await;
        let delivery = delivered("poison");
        let reason = not_confirmed();
        let notice = Notice {
            delivery: &delivery,
            order: None,
            reason: &reason,
        };
        let answer = workflow.fallback().send(&notice).await;
        let expected = if status < 300 {
            Ok(())
        } else {
            Err(FallbackError::Refused(status))
        };
        assert_eq!(answer, expected);
        workflow.next().await;
        assert!(
            workflow.is_empty(),
            "{status}: asked once, and not elsewhere"
        );
    }
}
