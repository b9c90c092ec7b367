//! `kill -9` of the stack while Microsoft's clients receive: they go on with the next one, and what
//! was told to be done is done.
#![cfg(unix)]

use std::path::Path;
use std::process::{Child, ChildStdout};
use std::time::Duration;

use bus::{AmqpDoor, AmqpOptions, AmqpService, Queue, QueueOptions};
use serde_json::json;
use stand_in::Clock;
use testkit::child;
use testkit::clients::{self, Client};
use testkit::fixture::Folder;
use tokio::net::TcpListener;

fn open(place: &Path) -> Queue {
    let journal = place.join("queue.jsonl");
    Queue::open(
        "order-items",
        QueueOptions::default(),
        Clock::new(),
        &journal,
    )
    .expect("opens")
}

/// The process that is killed: the queue and its door, on the port that the first one was given.
#[tokio::test]
#[ignore = "the child of the tests below"]
async fn broker() {
    let Some(place) = child::place() else {
        return;
    };
    let queue = open(&place);
    let service = AmqpService::new(AmqpOptions {
        queues: vec![queue],
        ..AmqpOptions::default()
    });
    let port = std::fs::read_to_string(place.join("port")).unwrap_or_default();
    let port: u16 = port.parse().unwrap_or_default();
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let door = AmqpDoor::start(listener, service).unwrap();
    let port = door.address().port().to_string();
    std::fs::write(place.join("port"), &port).unwrap();
    child::tell(&port);
    tokio::time::sleep(Duration::from_secs(300)).await;
}

fn started(place: &Path) -> (Child, String) {
    let mut broker = child::command("amqp::resume::broker", place)
        .spawn()
        .expect("starts");
    let out: ChildStdout = broker.stdout.take().expect("piped");
    let port = child::told(out).next().expect("its port");
    (broker, port)
}

fn kill(mut broker: Child) {
    broker.kill().expect("kill -9");
    broker.wait().expect("it ends");
}

async fn goes_on_after_a_kill(client: &Client) {
    let folder = Folder::new();
    let place = folder.path().join("broker");
    std::fs::create_dir_all(&place).unwrap();
    let (broker, port) = started(&place);
    let connection = format!(
        "Endpoint=sb://localhost:{port};SharedAccessKeyName=RootManageSharedAccessKey;\
         SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true"
    );
    let mut client = client.receive(&connection);
    for body in ["a", "b", "c"] {
        client.told(json!({"do":"send","body":body})).await;
    }
    client.told(json!({"do":"open","name":"r"})).await;
    let received = client.told(json!({"do":"receive","name":"r"})).await;
    assert_eq!(received[0]["body"], "a");
    client
        .told(json!({"do":"complete","name":"r","sequence":1}))
        .await;
    let received = client.told(json!({"do":"receive","name":"r"})).await;
    assert_eq!(received[0]["body"], "b");
    kill(broker);

    let (broker, _) = started(&place);
    let again = client
        .told(json!({"do":"receive","name":"r","wait":60}))
        .await;
    assert_eq!(again[0]["body"], "b", "a is done");
    assert_eq!(
        again[0]["count"], 1,
        "the hand-out before the kill counts, once"
    );
    client
        .told(json!({"do":"complete","name":"r","sequence":2}))
        .await;
    kill(broker);
    let left = open(&place).peek();
    let left: Vec<_> = left
        .iter()
        .map(|it| &it.accepted.message.body[..])
        .collect();
    assert_eq!(left, [b"c"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn python_goes_on_after_a_kill_of_the_stack() {
    if let Some(client) = clients::python() {
        goes_on_after_a_kill(&client).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn node_goes_on_after_a_kill_of_the_stack() {
    if let Some(client) = clients::node() {
        goes_on_after_a_kill(&client).await;
    }
}
