//! A client that says what it likes, frame by frame.

use std::time::Duration;

use bus::{AmqpDoor, AmqpOptions, AmqpService, Queue, QueueOptions, SenderFaults};
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
pub(super) const LIMIT: Duration = Duration::from_secs(120);

pub(super) const HEADER: &[u8] = b"AMQP\x00\x01\x00\x00";

/// A whole message with the body `{}`.
pub(super) const MESSAGE: &[u8] = b"\x00\x53\x75\xa0\x02{}";

pub(super) struct Stage {
    pub(super) queue: Queue,
    pub(super) door: AmqpDoor,
    pub(super) hints: UnboundedReceiver<String>,
}

impl Stage {
    pub(super) async fn open() -> Self {
        Self::broken(SenderFaults::default()).await
    }

    pub(super) async fn broken(faults: SenderFaults) -> Self {
        Self::with(QueueOptions::default(), faults).await
    }

    pub(super) async fn open_with(options: QueueOptions) -> Self {
        Self::with(options, SenderFaults::default()).await
    }

    async fn with(options: QueueOptions, faults: SenderFaults) -> Self {
        let queue = Queue::new("order-items", options, Clock::new());
        let (sender, hints) = unbounded_channel();
        let options = AmqpOptions {
            queues: vec![queue.clone()],
            key: None,
            hints: Some(sender),
            faults,
        };
        let door =
            AmqpDoor::start(testkit::net::listener().await, AmqpService::new(options)).unwrap();
        Self { queue, door, hints }
    }

    pub(super) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.door.address()).await.unwrap()
    }

    /// An honest client still gets through.
    pub(super) async fn serves_others(self) {
        let mut stream = self.connect().await;
        stream.write_all(&attached()).await.unwrap();
        let message = frame(0, &transfer(0, false), MESSAGE);
        stream.write_all(&message).await.unwrap();
        let queue = self.queue.clone();
        testkit::until("the message", || queue.counts().active == 1).await;
        self.door.stop().await;
    }
}

pub(super) fn frame(channel: u16, performative: &Performative, payload: &[u8]) -> Vec<u8> {
    let body = serde_amqp::to_vec(performative).unwrap();
    let size = u32::try_from(8 + body.len() + payload.len()).unwrap();
    let [c0, c1] = channel.to_be_bytes();
    [
        &size.to_be_bytes(),
        [2, 0, c0, c1].as_slice(),
        &body,
        payload,
    ]
    .concat()
}

/// Header and open.
pub(super) fn open(idle: Option<u32>) -> Vec<u8> {
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
    [HEADER, &frame(0, &Performative::Open(open), &[])].concat()
}

pub(super) fn begin() -> Performative {
    Performative::Begin(Begin {
        remote_channel: None,
        next_outgoing_id: 0,
        incoming_window: 100,
        outgoing_window: 100,
        handle_max: Handle(10),
        offered_capabilities: None,
        desired_capabilities: None,
        properties: None,
    })
}

/// A link on which the client sends to the queue.
pub(super) fn attach(handle: u32) -> Performative {
    let target = Target::builder().address("order-items").build();
    Performative::Attach(Attach {
        name: format!("link-{handle}"),
        handle: Handle(handle),
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
    })
}

/// Header, open, begin and attach in one go, as a client that does not wait may send them.
pub(super) fn attached() -> Vec<u8> {
    [
        open(None),
        frame(0, &begin(), &[]),
        frame(0, &attach(0), &[]),
    ]
    .concat()
}

/// On handle 0.
pub(super) fn transfer(id: u32, more: bool) -> Performative {
    Performative::Transfer(Transfer {
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
    })
}

/// A client that hears what it is answered.
pub(super) struct Client {
    stream: TcpStream,
    heard: Vec<u8>,
}

impl Client {
    /// Its connection is open.
    pub(super) async fn opened(stage: &Stage) -> Self {
        let mut stream = stage.connect().await;
        stream.write_all(&open(None)).await.unwrap();
        let mut header = [0; 8];
        stream.read_exact(&mut header).await.unwrap();
        assert_eq!(header, HEADER);
        let mut client = Self {
            stream,
            heard: Vec::new(),
        };
        let (_, answer) = client.hear().await;
        assert!(matches!(answer, Performative::Open(_)), "{answer:?}");
        client
    }

    /// It has a session on channel 0.
    pub(super) async fn begun(stage: &Stage) -> Self {
        let mut client = Self::opened(stage).await;
        client.say(0, &begin()).await;
        let (_, answer) = client.hear().await;
        assert!(matches!(answer, Performative::Begin(_)), "{answer:?}");
        client
    }

    pub(super) async fn say(&mut self, channel: u16, performative: &Performative) {
        self.say_with(channel, performative, &[]).await;
    }

    pub(super) async fn say_with(
        &mut self,
        channel: u16,
        performative: &Performative,
        payload: &[u8],
    ) {
        let bytes = frame(channel, performative, payload);
        self.stream.write_all(&bytes).await.unwrap();
    }

    /// The next frame.
    pub(super) async fn hear(&mut self) -> (u16, Performative) {
        let (channel, frame) = self.hear_frame().await;
        (channel, serde_amqp::from_slice(&frame).unwrap())
    }

    /// The next frame without its head.
    pub(super) async fn hear_frame(&mut self) -> (u16, Vec<u8>) {
        loop {
            if let Some(size) = self.heard.first_chunk() {
                let size = u32::from_be_bytes(*size) as usize;
                if self.heard.len() >= size {
                    let frame: Vec<u8> = self.heard.drain(..size).collect();
                    let channel = u16::from_be_bytes([frame[6], frame[7]]);
                    return (channel, frame[8..].to_vec());
                }
            }
            let read = timeout(LIMIT, self.stream.read_buf(&mut self.heard)).await;
            assert_ne!(read.expect("an answer").unwrap(), 0, "hung up on");
        }
    }
}

/// What comes until the door hangs up.
pub(super) async fn heard(mut stream: TcpStream) -> Vec<u8> {
    let mut heard = Vec::new();
    // A reset says the same as an end.
    timeout(LIMIT, stream.read_to_end(&mut heard))
        .await
        .expect("an end")
        .ok();
    heard
}

pub(super) fn contains(heard: &[u8], text: &str) -> bool {
    heard
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}
