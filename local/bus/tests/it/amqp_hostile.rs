//! Clients of the AMQP door that are broken, silent or hostile: they are hung up on, and others are served.

use std::time::Duration;

use bus::{AmqpDoor, AmqpOptions, Queue, QueueOptions};
use fe2o3_amqp_types::definitions::{Handle, Role};
use fe2o3_amqp_types::messaging::{Target, TargetArchetype};
use fe2o3_amqp_types::performatives::{Attach, Begin, Open, Performative, Transfer};
use serde_bytes::ByteBuf;
use stand_in::Clock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

/// A safety net, never an expectation.
const LIMIT: Duration = Duration::from_secs(120);

struct Stage {
    queue: Queue,
    door: AmqpDoor,
    hints: UnboundedReceiver<String>,
}

impl Stage {
    async fn open() -> Self {
        let queue = Queue::new("order-items", QueueOptions::default(), Clock::new());
        let (sender, hints) = unbounded_channel();
        let options = AmqpOptions {
            queues: vec![queue.clone()],
            key: None,
            hints: Some(sender),
        };
        let door = AmqpDoor::start(testkit::net::listener().await, options).unwrap();
        Self { queue, door, hints }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.door.address()).await.unwrap()
    }

    /// An honest client still gets through.
    async fn serves_others(self) {
        let mut stream = self.connect().await;
        stream.write_all(&attached()).await.unwrap();
        stream
            .write_all(&transfer(0, false, b"\x00\x53\x75\xa0\x02{}"))
            .await
            .unwrap();
        let queue = self.queue.clone();
        testkit::net::until(|| queue.counts().active == 1).await;
        self.door.stop().await;
    }
}

fn frame(performative: &Performative, payload: &[u8]) -> Vec<u8> {
    let body = serde_amqp::to_vec(performative).unwrap();
    let size = u32::try_from(8 + body.len() + payload.len()).unwrap();
    [&size.to_be_bytes(), [2, 0, 0, 0].as_slice(), &body, payload].concat()
}

fn open(idle: Option<u32>) -> Vec<u8> {
    let open = Open {
        container_id: "test".to_owned(),
        hostname: None,
        max_frame_size: Default::default(),
        channel_max: Default::default(),
        idle_time_out: idle,
        outgoing_locales: None,
        incoming_locales: None,
        offered_capabilities: None,
        desired_capabilities: None,
        properties: None,
    };
    [
        b"AMQP\x00\x01\x00\x00".as_slice(),
        &frame(&Performative::Open(open), &[]),
    ]
    .concat()
}

/// Header, open, begin and attach in one go, as a client that does not wait may send them.
fn attached() -> Vec<u8> {
    let begin = Begin {
        remote_channel: None,
        next_outgoing_id: 0,
        incoming_window: 100,
        outgoing_window: 100,
        handle_max: Handle(10),
        offered_capabilities: None,
        desired_capabilities: None,
        properties: None,
    };
    let target = Target::builder().address("order-items").build();
    let attach = Attach {
        name: "link".to_owned(),
        handle: Handle(0),
        role: Role::Sender,
        snd_settle_mode: Default::default(),
        rcv_settle_mode: Default::default(),
        source: None,
        target: Some(Box::new(TargetArchetype::Target(target))),
        unsettled: None,
        incomplete_unsettled: false,
        initial_delivery_count: None,
        max_message_size: None,
        offered_capabilities: None,
        desired_capabilities: None,
        properties: None,
    };
    let mut all = open(None);
    all.extend(frame(&Performative::Begin(begin), &[]));
    all.extend(frame(&Performative::Attach(attach), &[]));
    all
}

fn transfer(id: u32, more: bool, payload: &[u8]) -> Vec<u8> {
    let transfer = Transfer {
        handle: Handle(0),
        delivery_id: Some(id),
        delivery_tag: Some(ByteBuf::from(id.to_be_bytes())),
        message_format: Some(0),
        settled: None,
        more,
        rcv_settle_mode: None,
        state: None,
        resume: false,
        aborted: false,
        batchable: false,
    };
    frame(&Performative::Transfer(transfer), payload)
}

/// What comes until the door hangs up.
async fn heard(mut stream: TcpStream) -> Vec<u8> {
    let mut heard = Vec::new();
    // A reset says the same as an end.
    timeout(LIMIT, stream.read_to_end(&mut heard))
        .await
        .expect("an end")
        .ok();
    heard
}

fn contains(heard: &[u8], text: &str) -> bool {
    heard
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn whoever_speaks_something_else_is_told_what_is_spoken_here() {
    let mut stage = Stage::open().await;
    for greeting in [
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{0}",
    ] {
        let mut stream = stage.connect().await;
        stream.write_all(greeting.as_bytes()).await.unwrap();
        assert_eq!(heard(stream).await, b"AMQP\x00\x01\x00\x00");
    }
    let hint = stage.hints.try_recv().expect("a hint");
    assert!(hint.contains("UseDevelopmentEmulator=true"), "{hint}");
    stage.serves_others().await;
}

#[tokio::test]
async fn what_nests_without_end_is_refused_before_it_is_decoded() {
    let stage = Stage::open().await;
    // As a performative, which ends the connection.
    let mut stream = stage.connect().await;
    let mut bytes = open(None);
    let nested = [0x00, 0x53, 0x70].repeat(20_000);
    let size = u32::try_from(8 + nested.len()).unwrap();
    bytes.extend([&size.to_be_bytes(), [2, 0, 0, 0].as_slice(), &nested].concat());
    stream.write_all(&bytes).await.unwrap();
    assert!(contains(&heard(stream).await, "nested too deep"));
    // As a message of several transfers, which is rejected; the link lives on.
    let mut stream = stage.connect().await;
    let mut bytes = attached();
    for part in 0..4 {
        bytes.extend(transfer(0, part < 3, &nested));
    }
    bytes.extend(transfer(1, false, b"\x00\x53\x75\xa0\x02{}"));
    stream.write_all(&bytes).await.unwrap();
    let queue = stage.queue.clone();
    testkit::net::until(|| queue.counts().active == 1).await;
    let mut seen = Vec::new();
    while !contains(&seen, "nested too deep") {
        timeout(LIMIT, stream.read_buf(&mut seen))
            .await
            .unwrap()
            .unwrap();
    }
    stage.queue.try_receive().expect("the good one");
    stage.serves_others().await;
}

#[tokio::test]
async fn a_delivery_without_end_and_a_frame_without_end_are_cut() {
    let stage = Stage::open().await;
    let mut stream = stage.connect().await;
    stream.write_all(&attached()).await.unwrap();
    let (mut reader, mut writer) = stream.split();
    let mut seen = Vec::new();
    let chunk = transfer(0, true, &[b'x'; 60_000]);
    let write = async {
        // Until the door has said why: whatever comes later is passed over.
        loop {
            if writer.write_all(&chunk).await.is_err() {
                std::future::pending::<()>().await;
            }
            tokio::task::yield_now().await;
        }
    };
    let read = async {
        while !contains(&seen, "amqp:link:message-size-exceeded") {
            assert_ne!(reader.read_buf(&mut seen).await.unwrap(), 0, "an answer");
        }
    };
    tokio::select! {
        () = write => {}
        said = timeout(LIMIT, read) => said.expect("the link is cut"),
    }
    assert_eq!(stage.queue.counts().active, 0);

    let mut stream = stage.connect().await;
    let endless = [
        b"AMQP\x00\x01\x00\x00".as_slice(),
        &[0x7f, 0xff, 0xff, 0xff, 2, 0, 0, 0],
    ]
    .concat();
    stream.write_all(&endless).await.unwrap();
    assert_eq!(
        heard(stream).await,
        b"AMQP\x00\x01\x00\x00",
        "hung up on at once"
    );
    stage.serves_others().await;
}

#[tokio::test]
async fn a_thousand_idle_clients_leave_room_for_one_that_works() {
    let stage = Stage::open().await;
    let mut idle = Vec::new();
    for _ in 0..1000 {
        idle.push(stage.connect().await);
    }
    stage.serves_others().await;
}

#[tokio::test]
async fn the_silent_are_hung_up_on_and_get_the_heartbeats_they_asked_for() {
    let stage = Stage::open().await;
    let half_open = stage.connect().await;
    let mut quiet = stage.connect().await;
    quiet.write_all(&open(Some(1000))).await.unwrap();
    let mut answer = [0; 64];
    assert_ne!(quiet.read(&mut answer).await.unwrap(), 0);
    // From here on time passes whenever nothing else can happen.
    tokio::time::pause();
    let mut ends = tokio::task::JoinSet::new();
    ends.spawn(read_to_end(half_open));
    ends.spawn(read_to_end(quiet));
    let mut seen: Vec<usize> = ends.join_all().await;
    seen.sort_unstable();
    assert_eq!(seen[0], 0, "nothing for a client that says nothing");
    let heartbeats = seen[1] / 8;
    // Two a second for two minutes; the open's rest may be among them.
    assert!((200..=260).contains(&heartbeats), "{heartbeats} heartbeats");
    stage.door.stop().await;
}

/// Without a time limit: time is what passes here.
async fn read_to_end(mut stream: TcpStream) -> usize {
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard).await.ok();
    heard.len()
}
