//! The real server on a real socket, with a store and a workflow to watch.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use order_items_reserver::http;
use order_items_reserver::order::Order;
use order_items_reserver::store::{OrderStore, Put, StoreError};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::invocation::doubles::{busy, reserver};
use crate::order::notice::Workflow;

/// No test waits that long: it only keeps a broken one from hanging.
pub(super) const SAFETY_NET: Duration = Duration::from_secs(60);

/// A store in memory. Some sessions are trouble.
#[derive(Clone, Default)]
pub(super) struct Shelf(Arc<Inner>);

#[derive(Default)]
struct Inner {
    blobs: Mutex<HashMap<String, Bytes>>,
    entered: Notify,
    open: Notify,
}

impl Shelf {
    /// A session that makes the store panic.
    pub(super) const PANIC: &str = "panic";
    /// One that it holds up until [`Self::open`].
    pub(super) const GATE: &str = "gate";
    /// One that it never takes.
    pub(super) const BUSY: &str = "busy";

    pub(super) fn blob(&self, name: &str) -> Option<Bytes> {
        self.0.blobs.lock().unwrap().get(name).cloned()
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.0.blobs.lock().unwrap().keys().cloned().collect()
    }

    /// Until an order waits at the gate.
    pub(super) async fn entered(&self) {
        timeout(SAFETY_NET, self.0.entered.notified())
            .await
            .unwrap();
    }

    /// Lets the one that waits pass.
    pub(super) fn open(&self) {
        self.0.open.notify_one();
    }

    /// Until the gate's order is stored.
    pub(super) async fn stored(&self) {
        timeout(SAFETY_NET, self.0.entered.notified())
            .await
            .unwrap();
    }
}

impl OrderStore for Shelf {
    async fn put(&self, order: &Order) -> Result<Put, StoreError> {
        let at_gate = order.session.as_str() == Self::GATE;
        match order.session.as_str() {
            Self::PANIC => panic!("the store panics, as this test asks"),
            Self::BUSY => return Err(busy()),
            Self::GATE => {
                self.0.entered.notify_one();
                self.0.open.notified().await;
            }
            _ => {}
        }
        let name = order.session.blob_name().to_string();
        self.0
            .blobs
            .lock()
            .unwrap()
            .insert(name, order.body.clone());
        if at_gate {
            self.0.entered.notify_one();
        }
        Ok(Put::Stored)
    }
}

/// The function, served on loopback.
pub(super) struct Stage {
    pub(super) address: SocketAddr,
    pub(super) shelf: Shelf,
    pub(super) workflow: Workflow,
    _server: JoinSet<()>,
}

impl Stage {
    pub(super) async fn set() -> Self {
        let shelf = Shelf::default();
        let workflow = Workflow::answering(202).await;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let reserver = reserver(shelf.clone(), workflow.fallback());
        let mut server = JoinSet::new();
        server.spawn(async move { http::serve(listener, reserver).await.unwrap() });
        Self {
            address,
            shelf,
            workflow,
            _server: server,
        }
    }

    pub(super) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// One invocation on a connection of its own.
    pub(super) async fn invoke(&self, request: &[u8]) -> Answer {
        let mut connection = self.connect().await;
        connection.write_all(&with_length(request)).await.unwrap();
        Answer::read(&mut connection).await
    }

    /// The notice that the workflow received for it.
    pub(super) async fn notice(&mut self) -> Value {
        serde_json::from_slice(&self.workflow.next().await.1).unwrap()
    }

    /// A normal invocation still does what it should.
    pub(super) async fn assert_serves(&self) {
        let answer = self.invoke(&invocation("well", br#"{"id":"well"}"#)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert!(self.shelf.blob("well.json").is_some());
    }
}

pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) text: String,
}

impl Answer {
    /// Head and body by Content-Length, as the host's client reads them.
    pub(super) async fn read(connection: &mut TcpStream) -> Self {
        timeout(SAFETY_NET * 2, Self::read_all(connection))
            .await
            .expect("an answer")
    }

    async fn read_all(connection: &mut TcpStream) -> Self {
        let mut read = Vec::new();
        loop {
            let text = String::from_utf8_lossy(&read).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let head = head.to_ascii_lowercase();
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: "));
                let length: usize = length.expect("a length").parse().unwrap();
                if body.len() >= length {
                    assert!(head.contains("content-type: application/json"), "{head}");
                    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
                    return Self {
                        status,
                        text: body.to_owned(),
                    };
                }
            }
            let count = connection
                .read_buf(&mut read)
                .await
                .expect("no reset before the answer");
            assert!(count > 0, "closed before the answer was complete: {text}");
        }
    }

    pub(super) fn error(&self) -> String {
        let body: Value = serde_json::from_str(&self.text).unwrap();
        body["error"].as_str().unwrap().to_owned()
    }
}

const HEAD: &str = "POST /OrderItemsReserver HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json; charset=utf-8\r\nX-Azure-Functions-InvocationId: 676e0dbd-b2d6-4909-838a-22f8a72d4cc7\r\n";

pub(super) fn with_length(body: &[u8]) -> Vec<u8> {
    let mut request = format!("{HEAD}Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    request.extend_from_slice(body);
    request
}

/// As the host sends it in Azure.
pub(super) fn chunked(body: &[u8]) -> Vec<u8> {
    let mut request = format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n").into_bytes();
    for chunk in body.chunks(60_000) {
        request.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        request.extend_from_slice(chunk);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"0\r\n\r\n");
    request
}

/// A message of `session` in binary mode.
pub(super) fn invocation(session: &str, body: &[u8]) -> Vec<u8> {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let session = Value::from(session).to_string();
    serde_json::json!({
        "Data": {"order": STANDARD.encode(body)},
        "Metadata": {
            "DeliveryCount": "1",
            "EnqueuedTime": "2026-05-04T09:30:10+00:00",
            "SequenceNumber": "8412",
            "SessionId": session,
        },
    })
    .to_string()
    .into_bytes()
}
