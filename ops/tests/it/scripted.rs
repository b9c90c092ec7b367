//! A queue that answers by a script, and doubles for storage and fallback.

use std::{
    fmt::Write as _,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use order_items_ops::{
    bus::Bus,
    redrive::{self, Tally},
    walk::{Filter, Stop, Walk},
};
use order_items_reserver::azure_app::http_client;
use order_items_reserver::{
    fallback::{Fallback, FallbackError, Notice},
    order::Order,
    reserve::Reserver,
    retry::Retry,
    store::{OrderStore, Put, StoreError},
};
use service_bus::{Connection, Queue};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    task::JoinHandle,
};

/// One request: method and path.
pub(crate) type Asked = Arc<Mutex<Vec<String>>>;

/// Answers the n-th request (from 0): a status line and headers, each ended by `\r\n`, and a body.
/// Without a status line the answer is lost.
pub(crate) type Script = Box<dyn Fn(usize, &str) -> (String, String) + Send>;

pub(crate) struct Scripted {
    pub(crate) address: SocketAddr,
    pub(crate) asked: Asked,
    pub(crate) tokens: Asked,
    task: JoinHandle<()>,
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) async fn scripted(script: Script) -> Scripted {
    let listener = crate::stage::listener().await;
    let address = listener.local_addr().unwrap();
    let (asked, tokens) = (Asked::default(), Asked::default());
    let serving = serve(listener, script, asked.clone(), tokens.clone());
    #[expect(
        clippy::disallowed_methods,
        reason = "a test's server, aborted with it"
    )]
    let task = tokio::spawn(serving);
    Scripted {
        address,
        asked,
        tokens,
        task,
    }
}

async fn serve(listener: TcpListener, script: Script, asked: Asked, tokens: Asked) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => break,
            }
        }
        let head = String::from_utf8(head).unwrap();
        let Some(request) = head.lines().next() else {
            continue;
        };
        let request = request.trim_end_matches(" HTTP/1.1").to_owned();
        let token = head.lines().find(|line| line.starts_with("authorization"));
        tokens
            .lock()
            .unwrap()
            .push(token.unwrap_or_default().to_owned());
        let number = {
            let mut asked = asked.lock().unwrap();
            asked.push(request.clone());
            asked.len() - 1
        };
        let (head, body) = script(number, &request);
        if head.is_empty() {
            continue;
        }
        let length = body.len();
        let answer =
            format!("HTTP/1.1 {head}content-length: {length}\r\nconnection: close\r\n\r\n{body}");
        stream.write_all(answer.as_bytes()).await.ok();
    }
}

/// 201 with a cart of session S, and these broker properties beside the usual ones.
pub(crate) fn locked(more: &str) -> (String, String) {
    let mut head = "201 Created\r\ndate: Mon, 04 May 2026 12:00:00 GMT\r\n".to_owned();
    let usual = r#""DeliveryCount":11,"MessageId":"m","SessionId":"S","LockToken":"t1","LockedUntilUtc":"Mon, 04 May 2026 12:00:01 GMT","SequenceNumber":7"#;
    let enqueued = r#""EnqueuedTimeUtc":"Mon, 04 May 2026 09:30:17 GMT""#;
    let more = if more.is_empty() { enqueued } else { more };
    write!(head, "brokerproperties: {{{usual},{more}}}\r\n").unwrap();
    (head, crate::stage::cart("S", 7))
}

pub(crate) fn empty() -> (String, String) {
    ("204 No Content\r\n".to_owned(), String::new())
}

pub(crate) fn bus(address: SocketAddr) -> Bus {
    let connection = Connection::from_string(&format!(
        "Endpoint=sb://{address};SharedAccessKeyName=Root;SharedAccessKey=k;UseDevelopmentEmulator=true"
    ));
    let client = http_client::build("test").unwrap();
    let queue = Queue {
        connection: connection.unwrap(),
        name: "order-items".to_owned(),
    };
    Bus::new(&client, &queue).unwrap()
}

/// Storage that takes an order when `until` is true, and counts them.
pub(crate) struct Store<U> {
    pub(crate) until: U,
    pub(crate) puts: Mutex<usize>,
}

impl<U: Fn() -> bool + Send + Sync + 'static> OrderStore for Store<U> {
    async fn put(&self, _: &Order) -> Result<Put, StoreError> {
        *self.puts.lock().unwrap() += 1;
        crate::stage::until(&self.until).await;
        Ok(Put::Stored)
    }
}

/// Nobody is there.
pub(crate) struct Nobody;

impl Fallback for Nobody {
    async fn send(&self, _: &Notice<'_>) -> Result<(), FallbackError> {
        Err(FallbackError::Refused(500))
    }
}

/// Redrives what `bus` holds into `until`'s storage: the tally, the uploads, the progress.
pub(crate) async fn redrive(
    bus: &Bus,
    until: impl Fn() -> bool + Send + Sync + 'static,
) -> (Tally, usize, String) {
    let reserver = Reserver {
        store: Store {
            until,
            puts: Mutex::new(0),
        },
        fallback: Nobody,
        retry: Retry {
            attempt_timeout: Duration::from_secs(60),
            backoff_base: Duration::from_millis(1),
        },
        fallback_timeout: Duration::from_secs(1),
    };
    let mut walk = Walk::new(bus, Duration::ZERO, Stop::never());
    let mut progress = Vec::new();
    let everything = Filter::default();
    let run = redrive::run(bus, &mut walk, &everything, &reserver, &mut progress);
    let tally = Box::pin(run).await.unwrap();
    walk.give_back().await;
    let puts = *reserver.store.puts.lock().unwrap();
    (tally, puts, String::from_utf8(progress).unwrap())
}
