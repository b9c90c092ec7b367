//! The AMQP door to a client that is not Microsoft's.

use bus::{AmqpDoor, AmqpOptions, AmqpService, BodyKind, Queue, QueueOptions};
use fe2o3_amqp::link::SenderAttachError;
use fe2o3_amqp::sasl_profile::SaslProfile;
use fe2o3_amqp::types::messaging::{Body, Data, Header, Message, Outcome, Properties};
use fe2o3_amqp::types::primitives::{Binary, Uuid, Value};
use fe2o3_amqp::{Connection, Sender, Session};
use stand_in::{AccessKey, Clock};
use tokio::sync::mpsc::unbounded_channel;

fn queue() -> Queue {
    Queue::new("order-items", QueueOptions::default(), Clock::new())
}

async fn door(queue: &Queue, key: Option<AccessKey>) -> AmqpDoor {
    let options = AmqpOptions {
        queues: vec![queue.clone()],
        key,
        hints: None,
        ..AmqpOptions::default()
    };
    AmqpDoor::start(testkit::net::listener().await, AmqpService::new(options)).unwrap()
}

fn key() -> AccessKey {
    AccessKey {
        name: "Root".to_owned(),
        secret: "SAS_KEY_VALUE".to_owned(),
    }
}

fn plain(password: &str) -> SaslProfile {
    SaslProfile::Plain {
        username: "Root".to_owned(),
        password: password.to_owned(),
    }
}

#[tokio::test]
async fn bodies_and_ids_of_every_kind_arrive_and_the_queue_knows_which_kind_it_was() {
    let queue = queue();
    let door = door(&queue, None).await;
    let mut connection = Connection::open("test", door.url().as_str()).await.unwrap();
    let mut session = Session::begin(&mut connection).await.unwrap();
    let mut sender = Sender::attach(&mut session, "to", "amqp://localhost/Order-Items")
        .await
        .unwrap();

    let id = |id: fe2o3_amqp::types::messaging::MessageId| Properties {
        message_id: Some(id),
        ..Properties::default()
    };
    let number = Message::builder()
        .properties(id(7_u64.into()))
        .data(Binary::from(b"{}".to_vec()))
        .build();
    let uuid = Message::builder()
        .properties(id(Uuid::from([7; 16]).into()))
        .value("text".to_owned())
        .build();
    let bytes = Message::builder()
        .header(Header {
            ttl: Some(1500),
            ..Header::default()
        })
        .properties(id(Binary::from(vec![0xab, 1]).into()))
        .value(Value::Binary(Binary::from(vec![0xff])))
        .build();
    for outcome in [
        sender.send(number).await,
        sender.send(uuid).await,
        sender.send(bytes).await,
    ] {
        assert!(matches!(outcome, Ok(Outcome::Accepted(_))), "{outcome:?}");
    }
    let list = Message::builder().value(Value::List(vec![])).build();
    let outcome = sender.send(list).await;
    assert!(matches!(outcome, Ok(Outcome::Accepted(_))), "{outcome:?}");

    let seen: Vec<_> = queue
        .peek()
        .into_iter()
        .map(|peeked| peeked.accepted.message)
        .collect();
    let id = |at: usize| seen[at].properties.message_id.as_deref().unwrap();
    assert_eq!(
        (id(0), id(1), id(2)),
        ("7", "07070707-0707-0707-0707-070707070707", "AB01")
    );
    let bodies: Vec<&[u8]> = seen.iter().map(|message| &message.body[..]).collect();
    // What has no bytes of its own is seen as AMQP encodes it.
    let list = b"\x00\x53\x77\x45";
    assert_eq!(bodies, [b"{}".as_slice(), b"text", &[0xff], list]);
    let kinds: Vec<BodyKind> = seen.iter().map(bus::Message::body_kind).collect();
    let expected = [
        BodyKind::Data,
        BodyKind::Text,
        BodyKind::Value,
        BodyKind::Value,
    ];
    assert_eq!(kinds, expected);
    assert_eq!(seen[2].properties.time_to_live, Some(1.5));
    sender.close().await.unwrap();
    session.end().await.unwrap();
    connection.close().await.unwrap();
    door.stop().await;
}

#[tokio::test]
async fn a_batch_is_taken_whole_or_not_at_all() {
    let queue = queue();
    let door = door(&queue, None).await;
    let mut connection = Connection::open("test", door.url().as_str()).await.unwrap();
    let mut session = Session::begin(&mut connection).await.unwrap();
    let mut sender = Sender::attach(&mut session, "to", "order-items")
        .await
        .unwrap();
    let item = |body: &str| {
        let section = serde_amqp::to_vec(&Data(Binary::from(body.as_bytes().to_vec())));
        Data(Binary::from(section.unwrap()))
    };
    let batch = |items: Vec<Data>| {
        let message: Message<Body<Value>> =
            Message::builder().body(Body::Data(items.into())).build();
        fe2o3_amqp::Sendable::builder()
            .message(message)
            .message_format(0x8001_3700_u32)
            .build()
    };
    let half = batch(vec![item("good"), Data(Binary::from(b"bad".to_vec()))]);
    assert!(matches!(sender.send(half).await, Ok(Outcome::Rejected(_))));
    assert_eq!(queue.counts().active, 0);
    let whole = batch(vec![item("one"), item("two")]);
    assert!(matches!(sender.send(whole).await, Ok(Outcome::Accepted(_))));
    assert_eq!(queue.counts().active, 2);
    door.stop().await;
}

#[tokio::test]
async fn an_unknown_queue_is_refused_with_the_known_ones() {
    let queue = queue();
    let door = door(&queue, None).await;
    let mut connection = Connection::open("test", door.url().as_str()).await.unwrap();
    let mut session = Session::begin(&mut connection).await.unwrap();
    let unknown = Sender::attach(&mut session, "to", "orders")
        .await
        .unwrap_err();
    let SenderAttachError::RemoteClosedWithError(error) = unknown else {
        panic!("{unknown:?}")
    };
    let told = error.description.unwrap_or_default();
    assert_eq!(told, "no queue \"orders\" here; there is: order-items");
    assert!(
        error.info.is_some_and(|info| info.is_empty()),
        "Python's client looks into it"
    );
    door.stop().await;
}

#[tokio::test]
async fn with_a_key_plain_needs_it_and_without_any_word_a_sender_is_let_in_with_a_hint() {
    let queue = queue();
    let guarded = door(&queue, Some(key())).await;
    let open = |password: &'static str| {
        let url = guarded.url();
        async move {
            let builder = Connection::builder()
                .container_id("test")
                .sasl_profile(plain(password));
            builder.open(url.as_str()).await
        }
    };
    assert!(open("wrong").await.is_err());
    let mut connection = open("SAS_KEY_VALUE").await.unwrap();
    let mut session = Session::begin(&mut connection).await.unwrap();
    Sender::attach(&mut session, "to", "order-items")
        .await
        .unwrap();
    guarded.stop().await;

    let (hints, mut told) = unbounded_channel();
    let options = AmqpOptions {
        queues: vec![queue],
        key: Some(key()),
        hints: Some(hints),
        ..AmqpOptions::default()
    };
    let door = AmqpDoor::start(testkit::net::listener().await, AmqpService::new(options)).unwrap();
    let mut connection = Connection::open("test", door.url().as_str()).await.unwrap();
    let mut session = Session::begin(&mut connection).await.unwrap();
    Sender::attach(&mut session, "to", "order-items")
        .await
        .unwrap();
    assert!(
        told.try_recv()
            .unwrap()
            .contains("without a token is accepted here")
    );
    door.stop().await;
}

#[tokio::test]
async fn a_queue_with_sessions_refuses_a_message_without_one() {
    let options = QueueOptions {
        sessions: true,
        ..QueueOptions::default()
    };
    let queue = Queue::new("order-items", options, Clock::new());
    let door = door(&queue, None).await;
    let mut connection = Connection::open("test", door.url().as_str()).await.unwrap();
    let mut session = Session::begin(&mut connection).await.unwrap();
    let mut sender = Sender::attach(&mut session, "to", "order-items")
        .await
        .unwrap();
    let message = |group: Option<&str>| {
        let properties = Properties {
            group_id: group.map(str::to_owned),
            ..Properties::default()
        };
        let message = Message::builder().properties(properties);
        message.data(Binary::from(b"{}".to_vec())).build()
    };
    let Ok(Outcome::Rejected(rejected)) = sender.send(message(None)).await else {
        panic!("no session")
    };
    let said = rejected.error.unwrap().description.unwrap();
    assert!(said.to_lowercase().contains("session"), "{said}");
    let taken = sender.send(message(Some("S"))).await;
    assert!(matches!(taken, Ok(Outcome::Accepted(_))), "{taken:?}");
    assert_eq!(queue.counts().active, 1);
    connection.close().await.ok();
    door.stop().await;
}
