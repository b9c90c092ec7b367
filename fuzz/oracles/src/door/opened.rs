//! A door that is open as long as its thread lives, and its only client.

use std::time::Duration;

use axum::http::HeaderValue;
use bus::{Message, Queue, QueueOptions, RestDoor, RestOptions};
use stand_in::{Clock, Connection, http_client};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use super::assert_sane;

/// The key that signs, and where it signs for.
pub(super) const CONNECTION: &str =
    "Endpoint=sb://localhost:5300;SharedAccessKeyName=Root;SharedAccessKey=secret/+=";

/// The queue behind the door.
pub(super) const QUEUE: &str = "order-items";

/// What the door said.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) text: String,
}

pub(super) struct Opened {
    runtime: Runtime,
    door: RestDoor,
    queue: Queue,
    client: reqwest::Client,
}

/// Opens it at the first call in each thread. It is never closed: a runtime cannot end with its
/// thread.
pub(super) fn with_door<T>(act: impl FnOnce(&Opened) -> T) -> T {
    thread_local! {
        static DOOR: &'static Opened = Box::leak(Box::new(Opened::new()));
    }
    DOOR.with(|door| act(door))
}

impl Opened {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        // Ids are forgotten at once: an input may be sent as often as the fuzzer likes.
        let options = QueueOptions {
            duplicate_window: Duration::ZERO,
            ..QueueOptions::default()
        };
        let _inside = runtime.enter();
        let queue = Queue::new(QUEUE, options, Clock::new());
        let options = RestOptions {
            queues: vec![queue.clone()],
            key: Connection::parse(CONNECTION).expect("a good one").key,
            ..RestOptions::default()
        };
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"));
        let door = RestDoor::start(listener.expect("a port"), options).expect("a door");
        let client = http_client::builder().expect("TLS").build();
        drop(_inside);
        Self {
            runtime,
            door,
            queue,
            client: client.expect("a client"),
        }
    }

    /// Sends a message with one header, and takes it off the queue again, if it got there.
    pub(super) fn send(&self, name: &str, value: &[u8], body: &[u8]) -> (Answer, Option<Message>) {
        let value = HeaderValue::from_bytes(value).expect("checked by the caller");
        let url = format!("{}/{QUEUE}/messages", self.door.url());
        let request = self
            .client
            .post(url)
            .header(name, value)
            .body(body.to_vec());
        let answer = self.runtime.block_on(async {
            let response = request.send().await.expect("an answer");
            let status = response.status().as_u16();
            let text = response.text().await.expect("text");
            Answer { status, text }
        });
        assert_sane(&answer);
        (answer, self.taken())
    }

    /// The one message of the queue, which is empty afterwards.
    fn taken(&self) -> Option<Message> {
        let mut waiting = self.queue.peek().into_iter();
        let message = waiting.next().map(|peeked| peeked.accepted.message);
        assert!(waiting.next().is_none(), "one request, two messages");
        while let Some(delivery) = self.queue.try_receive() {
            self.queue.complete(delivery.lock_token).expect("its lock");
        }
        // A short time to live may have ended already.
        while let Some(letter) = self.queue.try_receive_dead_letter() {
            self.queue
                .complete_dead_letter(letter.lock_token)
                .expect("its lock");
        }
        message
    }
}
