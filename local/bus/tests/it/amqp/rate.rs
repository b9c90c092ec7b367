//! How fast the doors are, and how much memory waiting messages take: figures for a person, of
//! whatever machine this is.
//!
//! `cargo test --release -p bus rate -- --ignored --nocapture`

use std::fs;

use bus::{AmqpOptions, AmqpService, Message, RestDoor, RestOptions};
use fe2o3_amqp::types::messaging::{Body, Message as AmqpMessage};
use fe2o3_amqp::types::primitives::{Binary, Value};
use fe2o3_amqp::{Connection, Receiver, Sender, Session};
use tokio::time::Instant;

const MESSAGES: u32 = 20_000;
const WAITING: usize = 100_000;

fn resident_kilobytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number
        .and_then(|number| number.parse().ok())
        .unwrap_or_default()
}

fn told(what: &str, started: Instant) {
    let per_second = f64::from(MESSAGES) / started.elapsed().as_secs_f64();
    println!("{what}: {per_second:.0} messages per second");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "figures for a person"]
async fn messages_per_second_of_each_door_one_after_another() {
    let options = bus::QueueOptions::default();
    let queue = bus::Queue::new("order-items", options, stand_in::Clock::new());
    let rest = RestOptions {
        queues: vec![queue.clone()],
        ..RestOptions::default()
    };
    let amqp = AmqpService::new(AmqpOptions {
        queues: vec![queue.clone()],
        ..AmqpOptions::default()
    });
    let listener = testkit::net::listener().await;
    let door = RestDoor::start_beside(listener, rest, amqp).unwrap();
    let body = "x".repeat(500);

    let client = testkit::net::client();
    let url = format!("{}/order-items/messages", door.url());
    let started = Instant::now();
    for _ in 0..MESSAGES {
        client.post(&url).body(body.clone()).send().await.unwrap();
    }
    told("REST, sent", started);
    let started = Instant::now();
    for _ in 0..MESSAGES {
        let taken = client.delete(format!("{url}/head")).send().await.unwrap();
        taken.bytes().await.unwrap();
    }
    told("REST, received and deleted", started);

    let url = door.url().replace("http", "amqp");
    let mut connection = Connection::open("rate", url.as_str()).await.unwrap();
    let mut session = Session::begin(&mut connection).await.unwrap();
    let mut sender = Sender::attach(&mut session, "to", "order-items")
        .await
        .unwrap();
    let message = || {
        AmqpMessage::builder()
            .data(Binary::from(body.clone()))
            .build()
    };
    let started = Instant::now();
    for _ in 0..MESSAGES {
        sender.send(message()).await.unwrap();
    }
    told("AMQP, sent", started);
    let mut receiver = Receiver::attach(&mut session, "from", "order-items")
        .await
        .unwrap();
    let started = Instant::now();
    for _ in 0..MESSAGES {
        let delivery = receiver.recv::<Body<Value>>().await.unwrap();
        receiver.accept(&delivery).await.unwrap();
    }
    told("AMQP, received under a lock and completed", started);
    testkit::until("an empty queue", || queue.peek().is_empty()).await;
    door.stop().await;
}

#[tokio::test]
#[ignore = "figures for a person"]
async fn memory_of_a_hundred_thousand_waiting_messages() {
    let options = bus::QueueOptions::default();
    let queue = bus::Queue::new("order-items", options, stand_in::Clock::new());
    let before = resident_kilobytes();
    for number in 0..WAITING {
        let message = Message::new("x".repeat(500)).with_id(format!("{number}"));
        queue
            .enqueue(message.with_session(format!("s-{}", number % 1000)))
            .unwrap();
    }
    let took = resident_kilobytes() - before;
    println!(
        "{WAITING} messages of 500 bytes waiting: {} MB",
        took / 1024
    );
}
