//! One port for both doors: the first bytes tell which is meant.

use bus::{AmqpOptions, AmqpService, Message, Queue, QueueOptions, RestDoor, RestOptions};
use fe2o3_amqp::types::primitives::Binary;
use fe2o3_amqp::{Connection, Sender, Session};
use stand_in::Clock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

use super::wire::{LIMIT, MESSAGE, attached, frame, heard, transfer};

struct OnePort {
    queue: Queue,
    door: RestDoor,
    hints: UnboundedReceiver<String>,
}

impl OnePort {
    async fn open() -> Self {
        let queue = Queue::new("order-items", QueueOptions::default(), Clock::new());
        let (sender, hints) = unbounded_channel();
        let amqp = AmqpService::new(AmqpOptions {
            queues: vec![queue.clone()],
            key: None,
            hints: Some(sender),
            ..AmqpOptions::default()
        });
        let rest = RestOptions {
            queues: vec![queue.clone()],
            ..RestOptions::default()
        };
        let listener = testkit::net::listener().await;
        Self {
            queue,
            door: RestDoor::start_beside(listener, rest, amqp).unwrap(),
            hints,
        }
    }

    fn address(&self) -> String {
        self.door.url().replace("http://", "")
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address()).await.unwrap()
    }

    async fn serves_both(self) {
        let url = format!("{}/order-items/messages", self.door.url());
        let sent = testkit::net::client().post(url).body("rest").send().await;
        assert_eq!(sent.unwrap().status(), 201);
        let url = format!("amqp://{}", self.address());
        let mut connection = Connection::open("test", url.as_str()).await.unwrap();
        let mut session = Session::begin(&mut connection).await.unwrap();
        let sender = Sender::attach(&mut session, "to", "order-items").await;
        let message = fe2o3_amqp::types::messaging::Message::builder();
        let message = message.data(Binary::from(b"amqp".to_vec())).build();
        sender.unwrap().send(message).await.unwrap();
        let bodies = self.queue.peek().into_iter();
        let bodies: Vec<Message> = bodies.map(|one| one.accepted.message).collect();
        let bodies: Vec<_> = bodies.iter().map(|message| &message.body[..]).collect();
        assert_eq!(bodies, [b"rest", b"amqp"]);
        self.door.stop().await;
    }
}

#[tokio::test]
async fn the_first_bytes_tell_amqp_from_http() {
    OnePort::open().await.serves_both().await;
}

#[tokio::test]
async fn first_bytes_that_come_one_by_one_are_waited_for() {
    let stage = OnePort::open().await;
    let mut stream = stage.connect().await;
    let message = [attached(), frame(0, &transfer(0, false), MESSAGE)].concat();
    for byte in message {
        stream.write_all(&[byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    let queue = stage.queue.clone();
    testkit::until("the message", || queue.counts().active == 1).await;
    let mut stream = stage.connect().await;
    for byte in b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" {
        stream.write_all(&[*byte]).await.unwrap();
    }
    let mut answer = String::new();
    let read = timeout(LIMIT, stream.read_to_string(&mut answer)).await;
    read.expect("an answer").unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    stage.door.stop().await;
}

#[tokio::test]
async fn whoever_speaks_tls_is_hung_up_on_and_the_developer_told_why() {
    let mut stage = OnePort::open().await;
    for _ in 0..2 {
        let mut stream = stage.connect().await;
        stream
            .write_all(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
            .await
            .unwrap();
        assert_eq!(heard(stream).await, b"");
    }
    let hint = stage.hints.try_recv().expect("a hint");
    assert!(hint.contains("UseDevelopmentEmulator=true"), "{hint}");
    assert!(stage.hints.try_recv().is_err(), "told once");
    stage.serves_both().await;
}

#[tokio::test]
async fn whoever_says_nothing_or_not_enough_to_tell_is_hung_up_on() {
    let stage = OnePort::open().await;
    let silent = stage.connect().await;
    let mut torn = stage.connect().await;
    torn.write_all(b"AMQ").await.unwrap();
    // From here on time passes whenever nothing else can happen.
    tokio::time::pause();
    for mut stream in [silent, torn] {
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard).await.ok();
        assert_eq!(heard, b"");
    }
    tokio::time::resume();
    stage.serves_both().await;
}
