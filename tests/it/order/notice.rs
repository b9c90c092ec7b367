//! The fallback request, version 2, as a workflow receives it.

use std::fs;
use std::net::Ipv4Addr;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use azure_app::http_client;
use azure_app::trace::TraceContext;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use logic_app::mail::{MailService, Outbox};
use order_items_reserver::fallback::logic_app::{LogicApp, operation_id};
use order_items_reserver::fallback::{
    Fallback as _, FallbackError, HANDED_OVER_MAX, Notice, Reason,
};
use order_items_reserver::http::REQUEST_MAX;
use order_items_reserver::order::{Delivery, Order, Position, SequenceNumber};
use order_items_reserver::retry::Exhausted;
use order_items_reserver::store::{Doubt, StoreError};
use proptest::prelude::*;
use serde_json::{Value, json};
use storage_account::StorageError;
use testkit::net;
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
        last: StorageError::Refused {
            status: 503,
            code: Some("ServerBusy".to_owned()),
            retry_after: None,
        }
        .into(),
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
        trace: TraceContext::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
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
async fn a_notice_is_version_2_byte_for_byte() {
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
        let expected = delivery.trace.map(|trace| trace.to_string());
        assert_eq!(traceparent, expected.as_deref());
        // The run is found by the trace; by the operation, where there is none.
        let tracking = headers["x-ms-client-tracking-id"].to_str().unwrap();
        let named = match delivery.trace {
            Some(_) => format!("\"traceparent\":\"00-{tracking}-"),
            None => format!("\"operationId\":\"{tracking}\""),
        };
        assert!(golden(name).contains(&named), "{tracking}");
    }
}

/// The notice's bytes, and the notice.
async fn body(workflow: &mut Workflow, delivery: &Delivery) -> (Vec<u8>, Value) {
    let (_, request) = send(workflow, delivery).await;
    let request: Value = serde_json::from_slice(&request).unwrap();
    let body = &request["body"];
    assert_eq!(body["encoding"], "base64");
    let data = STANDARD.decode(body["data"].as_str().unwrap()).unwrap();
    assert_eq!(body["length"], data.len());
    (data, request)
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
        for sent in [order.to_owned(), wrapped] {
            let (data, request) = body(&mut workflow, &bare(sent)).await;
            assert!(data == order.as_bytes(), "{order:.200}");
            assert_eq!(request["body"]["fileName"], "S.json");
            assert_eq!(request["failure"]["kind"], "notConfirmed");
        }
    }
}

/// Numbers that a parser rounds, and texts that it refuses: they arrive, and what can be shown is.
#[tokio::test]
async fn what_no_parser_on_the_way_takes_arrives_byte_for_byte() {
    let mut workflow = Workflow::answering(202).await;
    let deep = format!(r#"{}{}"#, "[".repeat(200), "]".repeat(200));
    for (quantity, name) in [
        ("12.50", r#""Cat \ud83d""#),
        ("0.1234567890123456789", r#""a""#),
        ("1754563833779314822", "null"),
        (deep.as_str(), r#""\udc00\ud800""#),
    ] {
        let order = format!(
            r#"{{"id":"S","total":{quantity},"x":1e400,"products":[{{"id":1754563833779314822,"name":{name}}}]}}"#
        );
        let (data, request) = body(&mut workflow, &bare(order.clone())).await;
        assert_eq!(data, order.as_bytes());
        let product = &request["shown"]["products"][0];
        assert_eq!(product["id"], "1754563833779314822");
        assert_eq!(product["name"], name.trim_matches('"').replace("null", ""));
        assert_eq!(request["shown"]["text"], order);
    }
}

#[tokio::test]
async fn an_unreadable_message_is_handed_over_byte_for_byte() {
    let mut workflow = Workflow::answering(202).await;
    let messages: [&[u8]; 14] = [
        b"",
        b" ",
        b"Order(id=1)",
        b"tab\tline\nline\r\n",
        "käufer 🐠".as_bytes(),
        b"{\"id\":",
        b"\"quoted\" \\ back",
        b"\0",
        b"a\x1b[31m",
        b"\xc2\x85",
        b"\xff\xfe{",
        b"{\"id\":\"k\xe4ufer\"}",
        b"\xf0\x9f\x90",
        &[b'x'; 256 * 1024],
    ];
    for bytes in messages {
        let (data, request) = body(&mut workflow, &of_session("S", bytes.to_vec())).await;
        assert!(data == bytes, "{bytes:.50?}");
        assert_eq!(request["failure"]["kind"], "unreadable");
        assert_eq!(request["failure"]["attempts"], 0);
        assert_eq!(request["body"]["contentType"], "text/plain");
    }
}

/// A part of it would be acknowledged, and the rest lost.
#[tokio::test]
async fn a_message_is_handed_over_whole_or_not_at_all() {
    const {
        assert!(
            REQUEST_MAX <= HANDED_OVER_MAX,
            "all that comes in can go out"
        );
    }
    let workflow = Workflow::answering(202).await;
    let longer = delivered("x".repeat(HANDED_OVER_MAX + 1));
    let notice = Notice {
        delivery: &longer,
        order: None,
        reason: &Reason::Unreadable(Order::parse(&longer).unwrap_err()),
    };
    let refused = workflow.fallback().send(&notice).await;
    assert_eq!(refused, Err(FallbackError::TooLong(HANDED_OVER_MAX + 1)));
    assert!(workflow.is_empty(), "nobody may take a part of it");
}

fn stored() -> Position {
    Position {
        sequence: SequenceNumber(8420),
        enqueued: "2026-05-04T09:29:10Z".parse().unwrap(),
    }
}

/// What a person has to do differs: the workflow has words of its own for each.
#[tokio::test]
async fn a_contradiction_names_both_places() {
    let mut workflow = Workflow::answering(202).await;
    let delivery = delivered("{}");
    let order = Order::parse(&delivery).unwrap();
    let reason = Reason::NotConfirmed(Exhausted {
        attempts: 4,
        last: StoreError::Contradictory(Doubt::Positions {
            stored: stored(),
            ours: order.position.unwrap(),
        }),
    });
    let notice = Notice {
        delivery: &delivery,
        order: Some(&order),
        reason: &reason,
    };
    workflow.fallback().send(&notice).await.unwrap();
    let (_, request) = workflow.next().await;
    let request: Value = serde_json::from_slice(&request).unwrap();
    let failure = &request["failure"];
    assert_eq!(failure["kind"], "contradictory");
    assert_eq!(failure["stored"]["sequenceNumber"], 8420);
    assert_eq!(failure["stored"]["enqueuedTime"], "2026-05-04T09:29:10Z");
    assert_eq!(failure["sequenceNumber"], 8412);
    assert_eq!(failure["enqueuedTime"], "2026-05-04T09:30:10Z");
}

/// Whatever is known of what is stored, of each kind of doubt.
#[tokio::test]
async fn a_contradiction_tells_what_is_known_of_the_stored_order() {
    let mut workflow = Workflow::answering(202).await;
    let delivery = delivered("{}");
    let order = Order::parse(&delivery).unwrap();
    let modified = "2026-05-04T10:00:00Z";
    let place = json!({
        "sequenceNumber": 8420, "enqueuedTime": "2026-05-04T09:29:10Z",
        "messageId": null, "modifiedTime": null,
    });
    let mut with_id = place.clone();
    with_id["messageId"] = "other".into();
    let mut file = json!({"sequenceNumber": null, "enqueuedTime": null, "messageId": null});
    file["modifiedTime"] = modified.into();
    for (doubt, stored) in [
        (Doubt::NoPlace { stored: stored() }, place),
        (
            Doubt::SamePlace {
                position: stored(),
                stored: "other".to_owned(),
                ours: "ours".to_owned(),
            },
            with_id,
        ),
        (
            Doubt::NotOlder {
                modified: Some(modified.parse().unwrap()),
                ours: order.position,
            },
            file,
        ),
    ] {
        let reason = Reason::NotConfirmed(Exhausted {
            attempts: 4,
            last: StoreError::Contradictory(doubt),
        });
        let notice = Notice {
            delivery: &delivery,
            order: Some(&order),
            reason: &reason,
        };
        workflow.fallback().send(&notice).await.unwrap();
        let (_, request) = workflow.next().await;
        let request: Value = serde_json::from_slice(&request).unwrap();
        assert_eq!(request["failure"]["stored"], stored, "{reason}");
    }
}

/// A generator of JSON texts: blanks, numbers of any length, escapes of half a character, nesting.
fn json_text() -> impl Strategy<Value = String> {
    let number = "-?(0|[1-9][0-9]{0,40})(\\.[0-9]{1,40})?([eE][+-]?[0-9]{1,4})?";
    let text = r#""([ -!#-\[\]-~üñ🐠\u{2028}\u{FEFF}]|\\["\\/bfnrt]|\\u[0-9a-f]{4}){0,12}""#;
    let atom = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        number.prop_map(|number: String| number),
        text.prop_map(|text: String| text),
        (1..300_usize).prop_map(|depth| "[".repeat(depth) + &"]".repeat(depth)),
    ];
    atom.prop_recursive(4, 40, 5, |inner| {
        let blank = "[ \t\r\n]{0,3}";
        prop_oneof![
            (prop::collection::vec(inner.clone(), 0..5), blank)
                .prop_map(|(items, blank)| format!("[{blank}{}{blank}]", items.join(","))),
            (prop::collection::vec(inner, 0..5), blank).prop_map(|(items, blank)| {
                let keyed = items.iter().enumerate();
                let members: Vec<String> = keyed
                    .map(|(at, item)| format!("\"k{at}\"{blank}:{item}"))
                    .collect();
                format!("{{{blank}{}{blank}}}", members.join(","))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    /// Whatever can be stored can be mailed: through the workflow in infra/ and the mail service,
    /// as the stand-ins have them, the attachment is the order byte for byte.
    #[test]
    fn every_order_that_can_be_stored_is_handed_over_as_it_is(value in json_text(), product in json_text()) {
        let order = format!(r#"{{"id":"S","x":{value},"products":[{{"name":{product}}}]}}"#);
        let delivery = bare(order.clone());
        prop_assume!(Order::parse(&delivery).is_ok());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let attached = runtime.unwrap().block_on(attached(&delivery));
        prop_assert!(attached == order.as_bytes(), "{:?}", String::from_utf8_lossy(&attached));
    }
}

/// What a person gets as a file when the workflow in infra/ is told of this order.
async fn attached(delivery: &Delivery) -> Vec<u8> {
    let mail = MailService::start(net::listener().await, Outbox::in_memory()).unwrap();
    let parameters = serde_json::json!({
        "acsEndpoint": mail.url(),
        "senderAddress": "DoNotReply@x.azurecomm.net",
        "recipients": [{ "address": "ops@example.com" }],
    });
    let definition = testkit::workflow::read("fallback.definition.json");
    let parameters = parameters.as_object().unwrap().clone();
    let workflow = workflow::Workflow::load(&definition, parameters).unwrap();
    let app = logic_app::LogicApp::start_with(net::listener().await, workflow).unwrap();
    let fallback = LogicApp {
        url: app.url().parse().unwrap(),
        client: http_client::build("test").unwrap(),
        authorization: None,
    };
    let order = Order::parse(delivery).unwrap();
    let notice = Notice {
        delivery,
        order: Some(&order),
        reason: &not_confirmed(),
    };
    fallback.send(&notice).await.unwrap();
    let mails = mail.mails();
    assert_eq!(mails.len(), 1);
    mails[0].email.attachments[0].content.clone()
}

#[test]
fn an_operation_is_the_same_for_every_delivery_of_a_message() {
    let first = delivered("{}");
    let again = Delivery {
        delivery_count: Some(9),
        trace: None,
        session_id: None,
        body: "other form".into(),
        ..first.clone()
    };
    assert_eq!(operation_id(&first), operation_id(&again));
    assert_eq!(operation_id(&bare("a")), operation_id(&bare("a")));
    assert_ne!(operation_id(&bare("a")), operation_id(&bare("b")));
}

/// Some publishers reuse an id, or write the same for all. Two orders of one operation would be one
/// mail, and the second one in none of the three places.
#[test]
fn messages_with_the_same_id_are_different_operations() {
    let first = delivered("{}");
    let others = [
        Delivery {
            message_id: Some("a3f0c2de-5b1c-4b6e-9a51-0d5c6b1f7e43".to_owned()),
            ..first.clone()
        },
        Delivery {
            sequence_number: Some(SequenceNumber(8413)),
            ..first.clone()
        },
        Delivery {
            enqueued: Some("2026-05-04T09:30:11Z".parse().unwrap()),
            ..first.clone()
        },
        Delivery {
            sequence_number: None,
            ..first.clone()
        },
        Delivery {
            sequence_number: None,
            ..delivered("{} ")
        },
        Delivery {
            enqueued: None,
            ..first.clone()
        },
        Delivery {
            enqueued: None,
            ..delivered("{} ")
        },
    ];
    let mut operations: Vec<_> = others.iter().chain([&first]).map(operation_id).collect();
    operations.sort();
    operations.dedup();
    assert_eq!(operations.len(), 8);
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
