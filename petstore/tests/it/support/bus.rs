//! The local stack's queue behind its REST door.

use std::net::{Ipv4Addr, SocketAddr};

use bus::{Peeked, Queue, QueueOptions, RestDoor, RestOptions};
use serde_json::Value;
use stand_in::{Clock, Connection};
use testkit::net::listener_on;

const NAMES: &str = "SharedAccessKeyName=Root;SharedAccessKey=c2VjcmV0+/key==";

/// A door that can be shut and opened again at the same place.
#[derive(Debug)]
pub(crate) struct Bus {
    pub(crate) queue: Queue,
    pub(crate) address: SocketAddr,
    door: Option<RestDoor>,
}

impl Bus {
    pub(crate) async fn open() -> Self {
        let mut bus = Self {
            queue: Queue::new("order-items", QueueOptions::default(), Clock::new()),
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            door: None,
        };
        bus.reopen().await;
        bus
    }

    pub(crate) async fn reopen(&mut self) {
        let listener = listener_on(self.address).await;
        self.address = listener.local_addr().unwrap();
        let key = Connection::parse(&format!("Endpoint=sb://localhost;{NAMES}")).unwrap();
        let options = RestOptions {
            queues: vec![self.queue.clone()],
            key: key.key,
            ..RestOptions::default()
        };
        self.door = Some(RestDoor::start(listener, options).unwrap());
    }

    pub(crate) async fn shut(&mut self) {
        self.door.take().unwrap().stop().await;
    }

    pub(crate) fn connection_string(&self) -> String {
        connection_string(self.address)
    }

    pub(crate) fn messages(&self) -> Vec<Peeked> {
        self.queue.peek()
    }

    /// The orders in the queue, oldest first.
    pub(crate) fn orders(&self) -> Vec<Value> {
        let messages = self.messages().into_iter();
        messages
            .map(|peeked| serde_json::from_slice(&peeked.accepted.message.body).unwrap())
            .collect()
    }
}

pub(crate) fn connection_string(address: SocketAddr) -> String {
    format!("Endpoint=sb://{address};{NAMES};UseDevelopmentEmulator=true")
}

/// Product and quantity of every line.
pub(crate) fn lines(order: &Value) -> Vec<(u64, u64)> {
    let products = order["products"].as_array().unwrap().iter();
    products
        .map(|line| {
            (
                line["id"].as_u64().unwrap(),
                line["quantity"].as_u64().unwrap(),
            )
        })
        .collect()
}
