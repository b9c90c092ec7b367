//! A queue that answers by a script, and doubles for storage and fallback.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::time::Duration;

use order_items_ops::bus::Bus;
use order_items_ops::redrive;
use order_items_ops::redrive::Tally;
use order_items_ops::walk::{Filter, Stop, Walk};
use order_items_reserver::azure_app::http_client;
use order_items_reserver::fallback::{Fallback, FallbackError, Notice};
use order_items_reserver::order::Order;
use order_items_reserver::reserve::{BatchLimits, Reserver};
use order_items_reserver::retry::Retry;
use order_items_reserver::store::{OrderStore, Put, StoreError};
use service_bus::{Connection, Queue};
use testkit::scripted::{Received, Scripted, Step, answer};

use crate::stage::cart;

/// A queue that does with a request what `script` says of its number (from 0), method and path.
pub(crate) async fn queue(
    mut script: impl FnMut(usize, &str) -> Vec<Step> + Send + 'static,
) -> Scripted {
    Scripted::choosing(move |number, request| script(number, &line(request))).await
}

/// Method and path of each request.
pub(crate) fn asked(queue: &Scripted) -> Vec<String> {
    queue.received().iter().map(line).collect()
}

fn line(request: &Received) -> String {
    format!("{} {}", request.method(), request.target())
}

/// The headers are each ended by `\r\n`. Each request has a connection of its own, so that none
/// fails because of the one before.
pub(crate) fn answered(status: &str, headers: &str, body: &str) -> Vec<Step> {
    let headers = format!("{headers}connection: close\r\n");
    vec![Step::Send(answer(status, &headers, body)), Step::Close]
}

pub(crate) fn status(status: &str) -> Vec<Step> {
    answered(status, "", "")
}

/// No letter.
pub(crate) fn empty() -> Vec<Step> {
    status("204 No Content")
}

/// The headers and the body of a cart of session S, with these broker properties beside the usual
/// ones.
pub(crate) fn letter(more: &str) -> (String, String) {
    let usual = r#""DeliveryCount":11,"MessageId":"m","SessionId":"S","LockToken":"t1","LockedUntilUtc":"Mon, 04 May 2026 12:00:01 GMT","SequenceNumber":7"#;
    let enqueued = r#""EnqueuedTimeUtc":"Mon, 04 May 2026 09:30:17 GMT""#;
    let more = if more.is_empty() { enqueued } else { more };
    let headers =
        format!("date: Mon, 04 May 2026 12:00:00 GMT\r\nbrokerproperties: {{{usual},{more}}}\r\n");
    (headers, cart("S", 7))
}

/// The answer that hands it out.
pub(crate) fn locked(more: &str) -> Vec<Step> {
    let (headers, body) = letter(more);
    answered("201 Created", &headers, &body)
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
struct SlowStore<U> {
    until: U,
    puts: Mutex<usize>,
}

impl<U: Fn() -> bool + Send + Sync + 'static> OrderStore for SlowStore<U> {
    async fn put(&self, _: &Order) -> Result<Put, StoreError> {
        *self.puts.lock().unwrap() += 1;
        testkit::until("the time to take the order", &self.until).await;
        Ok(Put::Stored)
    }
}

struct RefusingFallback;

impl Fallback for RefusingFallback {
    async fn send(&self, _: &Notice<'_>) -> Result<(), FallbackError> {
        Err(FallbackError::Refused(500))
    }
}

/// Redrives what `bus` holds into storage that takes it when `until` is true: the tally, the
/// uploads, the progress.
pub(crate) async fn redrive(
    bus: &Bus,
    until: impl Fn() -> bool + Send + Sync + 'static,
) -> (Tally, usize, String) {
    let reserver = Reserver {
        store: SlowStore {
            until,
            puts: Mutex::new(0),
        },
        fallback: RefusingFallback,
        retry: Retry {
            attempt_timeout: Duration::from_secs(60),
            backoff_base: Duration::from_millis(1),
        },
        fallback_timeout: Duration::from_secs(1),
        batch: BatchLimits {
            sessions_at_once: NonZeroUsize::MIN,
            time: Duration::ZERO,
        },
    };
    let mut walk = Walk::new(bus, Duration::ZERO, Stop::never());
    let mut progress = Vec::new();
    let everything = Filter::default();
    let mut told = redrive::Told::Lines(&mut progress);
    let run = redrive::run(bus, &mut walk, &everything, &reserver, &mut told);
    let tally = Box::pin(run).await.unwrap();
    walk.give_back().await;
    let puts = *reserver.store.puts.lock().unwrap();
    (tally, puts, String::from_utf8(progress).unwrap())
}
