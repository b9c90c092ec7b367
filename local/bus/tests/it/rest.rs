//! The REST door over real loopback requests.

mod receiving;
mod sending;

use bus::{Queue, QueueOptions, RestDoor, RestOptions};
use stand_in::{Clock, Connection};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

const CONNECTION: &str =
    "Endpoint=sb://localhost:5300;SharedAccessKeyName=Root;SharedAccessKey=secret";

/// A door to one queue, and a client in front of it.
struct Stage {
    door: RestDoor,
    queue: Queue,
    hints: UnboundedReceiver<String>,
    client: reqwest::Client,
}

impl Stage {
    async fn open() -> Self {
        let queue = Queue::new("order-items", QueueOptions::default(), Clock::new());
        let (sender, hints) = unbounded_channel();
        let options = RestOptions {
            queues: vec![queue.clone()],
            key: Connection::parse(CONNECTION).expect("good").key,
            links: vec![("blobs".to_owned(), "http://127.0.0.1:10000".to_owned())],
            hints: Some(sender),
            ..RestOptions::default()
        };
        let door = RestDoor::start(testkit::net::listener().await, options).expect("a door");
        Self {
            door,
            queue,
            hints,
            client: testkit::net::client(),
        }
    }
}
