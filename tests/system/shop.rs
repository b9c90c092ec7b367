//! The storefront's program, and a queue for it.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use bus::{Queue, QueueOptions, RestDoor, RestOptions};
use serde_json::Value;
use stand_in::{Clock, Connection};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio::time::timeout;

const NAMES: &str = "SharedAccessKeyName=Root;SharedAccessKey=c2VjcmV0+/key==";

/// A queue behind its REST door.
pub(crate) struct Bus {
    pub(crate) queue: Queue,
    pub(crate) address: SocketAddr,
    _door: RestDoor,
}

impl Bus {
    pub(crate) async fn open() -> Self {
        let queue = Queue::new("order-items", QueueOptions::default(), Clock::new());
        let listener = testkit::net::listener().await;
        let address = listener.local_addr().unwrap();
        let connection = Connection::parse(&format!("Endpoint=sb://localhost;{NAMES}")).unwrap();
        let options = RestOptions {
            queues: vec![queue.clone()],
            key: connection.key,
            ..RestOptions::default()
        };
        Self {
            queue,
            address,
            _door: RestDoor::start(listener, options).unwrap(),
        }
    }

    pub(crate) fn connection_string(&self) -> String {
        format!(
            "Endpoint=sb://{};{NAMES};UseDevelopmentEmulator=true",
            self.address
        )
    }
}

/// A running shop; killed when it is dropped.
pub(crate) struct Shop {
    pub(crate) url: String,
    _process: Child,
    _lines: JoinSet<()>,
}

impl Shop {
    pub(crate) async fn start(bus: &Bus, storage: &str) -> Self {
        let mut process = Command::new(testkit::programs::built("petstore"))
            .env_clear()
            .env("PORT", "0")
            .env("ServiceBusConnection", bus.connection_string())
            .env("PetStoreStorage", storage)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let listening = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                let line: Value = serde_json::from_str(&line).unwrap_or_default();
                if let Some(url) = line["url"].as_str() {
                    return url.to_owned();
                }
            }
            panic!("it ended")
        };
        let url = timeout(Duration::from_secs(60), listening).await;
        let url = url.expect("it listens");
        let mut read_on = JoinSet::new();
        read_on.spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self {
            url,
            _process: process,
            _lines: read_on,
        }
    }
}
